"""The shell command ``logferry``."""

from logferry.cli._main import main

__all__ = ["main"]
