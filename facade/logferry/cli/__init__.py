"""The shell command: the library's streams and accounts, for people and for pipes."""

from logferry.cli._main import main

__all__ = ["main"]
