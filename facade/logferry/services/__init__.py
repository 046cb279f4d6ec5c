"""The services, one folder each: account settings, streams, records."""
