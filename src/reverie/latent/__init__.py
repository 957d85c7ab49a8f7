"""Families of the latent z, without networks."""
