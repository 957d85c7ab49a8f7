"""The loop that executes programs."""
