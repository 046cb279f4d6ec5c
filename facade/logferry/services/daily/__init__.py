"""Daily: calls, their logs and metrics, and the log of the REST API."""

from logferry.services.daily._client import Daily

__all__ = ["Daily"]
