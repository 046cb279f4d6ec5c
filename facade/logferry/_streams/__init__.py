"""A stream, from its definition to what iterates it."""
