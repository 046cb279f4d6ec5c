"""The fake of Daily."""

from logferry.testing.daily._fake import DailyFake

__all__ = ["DailyFake"]
