"""Backbones, posteriors, and the one composition of them."""
