"""Writers of records: formats, files and stdout."""
