"""``logferry tail``: its options, the following, and the state file."""
