"""Paths that a caller names: on this machine, with ``~`` expanded; an address such as ``s3://…`` is none."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from logferry._errors import ConfigurationError

_ADDRESS: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]+):[/\\]")
"""
One slash is enough: a `Path` makes one of two.  A single letter before the colon is a drive of Windows.

What follows the slash can be a password, so it is never shown.
"""


def scheme_of(text: str) -> str | None:
    """The scheme of an address, such as ``s3``; ``None`` for what is no address."""
    found = _ADDRESS.match(text)
    return None if found is None else found[1].lower()


def local_path(named: str | os.PathLike[str], what: str, instead: str | Callable[[str], str]) -> Path:
    """
    The path that a caller names, with ``~`` expanded; a ConfigurationError for an address, or what is no path.

    The error calls it *what*, such as ``--output``, and hints at what to do *instead* of giving an address of its scheme.
    """
    text = os.fspath(named)
    scheme = scheme_of(text)
    if scheme is not None:
        raise ConfigurationError(
            f"{what}: an address ({scheme}:...) is no path on this machine",
            hint=instead if isinstance(instead, str) else instead(scheme),
        )
    if "\0" in text:
        raise ConfigurationError(f"{what} has a zero byte", hint="Name a path")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ConfigurationError(
            f"{what}: there is no home directory for {Path(text).parts[0]}", hint="Write the whole path"
        ) from None


def followed(path: Path) -> Path:
    """What a link leads to, whether or not that exists; any other path as it is, also ``/dev/stdout`` and its like."""
    if not os.path.islink(path):  # noqa: PTH114  # the method of a path raises where a name is too long
        return path
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        target = path
    if path.exists() and not target.exists():  # the link of a pipe in /proc names no path
        return path
    if target.is_symlink():
        raise ConfigurationError(f"{path} is a link that leads to itself", hint="Remove it, or name another path")
    return target
