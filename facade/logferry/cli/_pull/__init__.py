"""``logferry pull``: its options, and the reading of streams one after the other."""
