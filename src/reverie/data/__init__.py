"""Experience: replay and collecting. It knows types, not models."""
