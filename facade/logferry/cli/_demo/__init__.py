"""``logferry demo``."""
