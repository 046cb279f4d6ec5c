"""logferry."""
