"""Learned worlds as environments, for agents of any library."""
