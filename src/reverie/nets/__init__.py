"""Networks, with no word of reinforcement learning in them."""
