"""The fake of Cognigy."""

from logferry.testing.cognigy._fake import CognigyFake

__all__ = ["CognigyFake"]
