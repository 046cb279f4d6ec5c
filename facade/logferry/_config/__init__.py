"""What a caller can set, checked once."""
