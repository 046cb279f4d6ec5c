"""HTTP: one request at a time, whichever transport sends it."""
