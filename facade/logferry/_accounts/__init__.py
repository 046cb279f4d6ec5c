"""Which accounts there are, and which of their streams are meant."""
