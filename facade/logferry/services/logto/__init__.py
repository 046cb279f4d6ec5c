"""Logto: the audit logs of sign-ins, tokens and interactions."""

from logferry.services.logto._client import Logto
from logferry.services.logto._streams import AUDIT_LOGS

__all__ = ["AUDIT_LOGS", "Logto"]
