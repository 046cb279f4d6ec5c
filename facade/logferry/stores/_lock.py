"""One process per store: a lock of the operating system, which ends with its process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from logferry._errors import StoreError


@contextmanager
def locked(path: Path, store: str) -> Generator[None]:
    """
    Hold the lock while the block runs.

    Args:
        path: The lock file; it stays, and has no meaning by itself.
        store: The store's name in errors.

    Raises:
        StoreError: Another process holds it, or the file cannot be made.
    """
    lock = FileLock(path, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreError(
            f"{store} is used by another logferry", hint="Wait until that ends, or choose another store"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{path} cannot be locked: {error.strerror or error}", hint="Is the folder writable?"
        ) from error
    try:
        yield
    finally:
        lock.release()
