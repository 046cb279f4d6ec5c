"""``logferry demo``: its services, the pull, the sync and the report."""
