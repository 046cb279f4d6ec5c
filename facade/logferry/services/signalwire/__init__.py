"""SignalWire: the logs of video sessions, calls, messages, faxes and conferences."""

from logferry.services.signalwire._client import SignalWire

__all__ = ["SignalWire"]
