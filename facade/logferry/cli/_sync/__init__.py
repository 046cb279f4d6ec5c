"""``logferry sync``."""
