"""``logferry sync``: its options, the runs, and their progress."""
