"""Paging without I/O: cursors, what was delivered, and whether it is the end."""
