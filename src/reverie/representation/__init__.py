"""From observations to embeddings and back."""
