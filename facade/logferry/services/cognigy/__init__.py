"""Cognigy: the logs of a project's flows, endpoints and integrations."""

from logferry.services.cognigy._client import Cognigy

__all__ = ["Cognigy"]
