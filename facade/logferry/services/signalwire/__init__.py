"""SignalWire: the logs of video rooms and video conferences."""

from logferry.services.signalwire._client import SignalWire
from logferry.services.signalwire._streams import VIDEO_LOGS

__all__ = ["VIDEO_LOGS", "SignalWire"]
