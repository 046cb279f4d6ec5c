"""``logferry tail``."""
