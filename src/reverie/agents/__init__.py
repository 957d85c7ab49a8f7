"""Presets, each one choice of every part, and training as data."""
