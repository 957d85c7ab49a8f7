"""The world model: heads, objectives, imagination."""
