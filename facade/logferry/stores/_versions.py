"""Versions of what stores write: an older one is migrated step by step, a newer one is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from logferry._errors import StoreError
from logferry.stores._store import Mode

M = TypeVar("M")


def current(migrations: Mapping[int, M]) -> int:
    """The version that the last migration leads to; 1 without migrations."""
    return max(migrations, default=0) + 1


def outstanding(
    found: object, migrations: Mapping[int, M], store: str, *, mode: Mode = "make"
) -> Iterator[tuple[int, M]]:
    """
    The migrations that a store still needs, each with the version it leads to.

    Args:
        found: The version in the store.
        migrations: The migrations, oldest first.
        store: The store's name in errors.
        mode: What the store is opened for.

    Raises:
        StoreError: The store is newer than this logferry, or has no valid version; or it is older, and the mode forbids
            changes.
    """
    if not isinstance(found, int) or found < 1:
        raise StoreError(f"{store} does not say its version", hint="It is damaged; restore it, or choose another store")
    if found > current(migrations):
        raise StoreError(
            f"{store} was written by a newer logferry (version {found} of its tables)", hint="Update logferry"
        )
    if found < current(migrations) and mode == "read":
        raise StoreError(f"{store} was written by an older logferry", hint="The next sync brings it up to date")
    for version in range(found, current(migrations)):
        yield version + 1, migrations[version]
