"""Daily: calls, their logs and metrics, and the log of the REST API."""

from logferry.services.daily._api_logs import API_LOGS
from logferry.services.daily._client import Daily
from logferry.services.daily._meetings import MEETINGS
from logferry.services.daily._sessions import SESSION_LOGS, SESSION_METRICS

__all__ = ["API_LOGS", "MEETINGS", "SESSION_LOGS", "SESSION_METRICS", "Daily"]
