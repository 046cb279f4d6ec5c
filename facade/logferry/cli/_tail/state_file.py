"""The state file of a tail: a checkpoint for each stream."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from logferry._errors import CheckpointError, ExportError, StoreError
from logferry._json import is_array, is_object

Checkpoints: TypeAlias = Mapping[str, Mapping[str, str]]
"""By account, then by stream."""

_VERSION: Final = 1
_KEPT_SECONDS: Final = 30 * 86_400
"""Seconds after which a state file without a name of the user's is removed."""


@contextmanager
def opened_state(path: Path | None) -> Generator[dict[str, dict[str, str]]]:
    """
    Read the checkpoints of a state file, and lock it during the block: two tails would write each record twice.

    The lock is one of the operating system, on a file beside the state file, and ends with its process.  The lock file is removed
    then, unless the process is killed; a lock file without a process locks nothing.

    Args:
        path: The state file; ``None`` for none, which has no checkpoints and needs no lock.

    Raises:
        CheckpointError: The file is not a state file, or cannot be read.
        StoreError: Another process holds the lock.
        ExportError: The lock file cannot be created.
    """
    if path is None:
        yield {}
        return
    read_state(path)  # no lock file is created beside a file that is not a state file
    lock = Path(f"{os.path.realpath(path)}.lock")  # one lock for all links and spellings of the path
    descriptor = _locked(lock, path)
    try:
        yield read_state(path)
    finally:
        _unlock(descriptor, lock)


def _locked(lock: Path, path: Path) -> int:
    """Create or open a lock file, and lock it."""
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ExportError(f"{path} cannot be written: {error.strerror} ({lock.name})") from error
        try:
            _lock(descriptor, path)
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        # The process that held the lock has removed the file, and another process can have created a new one.
        os.close(descriptor)


def _unlock(descriptor: int, lock: Path) -> None:
    """Remove a lock file and end the lock, in this order if an open file can be removed."""
    if sys.platform == "win32":
        os.close(descriptor)
    with suppress(OSError):  # on Windows another process can have opened it
        lock.unlink()
    if sys.platform != "win32":
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  # only one of the two modules exists

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise StoreError(
            f"the state {path} is used by another logferry tail",
            hint="Wait until that ends, or choose another --state",
        ) from error
    except OSError as error:
        raise ExportError(f"{path} cannot be locked: {error.strerror}", hint="Choose another --state") from error


def read_state(path: Path) -> dict[str, dict[str, str]]:
    """
    Return the checkpoints of a state file; none if it does not exist.

    Raises:
        CheckpointError: The file is not a state file, or cannot be read.
    """
    try:
        fields = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        fields = None
    version = fields.get("tail") if is_object(fields) else None
    rows = fields.get("streams") if is_object(fields) and type(version) is int and version == _VERSION else None
    if not is_array(rows) or not all(is_array(row) and [*map(type, row)] == [str] * 3 for row in rows):
        raise CheckpointError(
            f"{path} is not a state file of a tail", hint="Choose another --state, or remove the file"
        )
    found: dict[str, dict[str, str]] = {}
    for account, stream, checkpoint in rows:
        found.setdefault(account, {})[stream] = checkpoint
    return found


def write_state(path: Path, checkpoints: Checkpoints) -> None:
    """
    Replace a state file in one step; only its owner can read it.

    Raises:
        ExportError: It cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_text(checkpoints))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error


def keep_state(checkpoints: Checkpoints) -> Path:
    """
    Write a new state file in the user's folder for state, and remove old ones.

    Raises:
        ExportError: It cannot be written.
    """
    home = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(home) if os.path.isabs(home) else Path.home() / ".local" / "state"  # noqa: PTH117  # "" is not
    folder /= "logferry"
    name = hashlib.sha256(_text(checkpoints)).hexdigest()[:12]
    path = folder / f"tail-{name}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in folder.glob("tail-*.json"):
            if old.stat().st_mtime < time.time() - _KEPT_SECONDS:
                old.unlink()
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror}") from error
    write_state(path, checkpoints)
    return path


def _text(checkpoints: Checkpoints) -> bytes:
    rows = [[account, stream, text] for account, own in checkpoints.items() for stream, text in own.items()]
    return json.dumps({"tail": _VERSION, "streams": rows}, indent=1).encode() + b"\n"
