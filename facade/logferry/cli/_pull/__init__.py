"""``logferry pull``."""
