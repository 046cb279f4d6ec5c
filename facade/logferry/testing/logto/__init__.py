"""The fake of Logto."""

from logferry.testing.logto._fake import LogtoFake

__all__ = ["LogtoFake"]
