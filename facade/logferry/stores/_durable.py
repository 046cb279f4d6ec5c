"""Atomic, durable writes of files that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from logferry._config.paths import followed

_OWNER: Final = 0o600


@contextmanager
def owner_only() -> Generator[None]:
    """Make files that other code creates meanwhile readable by their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, for the owner only; links are followed."""
    path = followed(path)
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries are on the disk."""
    if os.name != "nt":  # Windows cannot open a folder, and does not need to
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def private_file(path: Path) -> int:
    """Create a file, and return a descriptor that writes it."""
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), _OWNER)


def put_in_place(written: Iterable[tuple[Path, Path]]) -> None:
    """
    Replace files by new ones that are on the disk already, each in one step.

    Args:
        written: The new file and its final name, of each.
    """
    folders: set[Path] = set()
    for new, path in written:
        new.replace(path)
        folders.add(path.parent)
    for folder in sorted(folders):
        sync_folder(folder)
