"""SignalWire: the logs of video rooms and video conferences."""

from logferry.services.signalwire._client import SignalWire

__all__ = ["SignalWire"]
