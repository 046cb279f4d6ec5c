"""Several pages of one window at once."""
