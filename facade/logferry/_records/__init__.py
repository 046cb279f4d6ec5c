"""One entry in the OpenTelemetry log data model."""
