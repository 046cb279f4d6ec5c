"""Removes coverage from a store, so that its windows are read again; its records stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from logferry._errors import InvalidRequestError, suggestion
from logferry._time.timestamps import LAST, rfc3339
from logferry.stores._schema import SCHEMA

if TYPE_CHECKING:
    from logferry.stores._coverage import Coverage
    from logferry.stores._store import Question, Store


def forget(
    store: Store,
    *,
    streams: Collection[str] = (),
    accounts: Collection[str] = (),
    since: int = 0,
    until: int = LAST,
) -> Mapping[Question, Coverage]:
    """
    Remove windows from the coverage of an open store, so that the next sync reads them again.

    Args:
        store: The store; its records stay, and are replaced as they are read again.
        streams: Only of these streams; default: all.
        accounts: Only of these accounts; default: all.
        since: Start of the windows, in nanoseconds since the epoch.
        until: End of the windows.

    Returns:
        The new coverage of the queries that have changed.

    Raises:
        InvalidRequestError: The store has nothing of a stream or an account, or `since` lies after `until`.
    """
    if since > until:
        raise InvalidRequestError(f"since ({rfc3339(since)}) lies after until ({rfc3339(until)})")
    had = store.coverage()
    _require("stream", streams, {question.stream for question in had})
    _require("account", accounts, {question.account for question in had})
    changed = {
        question: left
        for question, coverage in had.items()
        if (not streams or question.stream in streams)
        and (not accounts or question.account in accounts)
        and (left := coverage.without(since, until)) != coverage
    }
    if changed:
        store.commit(SCHEMA.empty_table(), changed)
    return changed


def _require(kind: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise InvalidRequestError(
                f"the store has nothing of the {kind} {name!r}", hint=suggestion(name, sorted(known))
            )
