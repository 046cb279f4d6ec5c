"""The fake of SignalWire."""

from logferry.testing.signalwire._fake import SignalWireFake

__all__ = ["SignalWireFake"]
