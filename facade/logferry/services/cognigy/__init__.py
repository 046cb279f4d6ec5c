"""Cognigy: what the flows, endpoints and integrations of a project reported."""

from logferry.services.cognigy._client import Cognigy

__all__ = ["Cognigy"]
