"""Cognigy: what the flows, endpoints and integrations of a project reported."""

from logferry.services.cognigy._client import Cognigy
from logferry.services.cognigy._streams import PROJECT_LOGS

__all__ = ["PROJECT_LOGS", "Cognigy"]
