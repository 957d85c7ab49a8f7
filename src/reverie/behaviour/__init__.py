"""Ways of learning to act, blind to how the world is made."""
