"""``logferry spec``: generates clients of OpenAPI specs, and says what changes in specs."""
