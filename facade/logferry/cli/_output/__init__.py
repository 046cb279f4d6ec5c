"""Where records go, and in which format."""
