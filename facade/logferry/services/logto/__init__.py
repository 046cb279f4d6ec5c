"""Logto: the audit logs of sign-ins, tokens and interactions."""

from logferry.services.logto._client import Logto

__all__ = ["Logto"]
