"""``logferry state``: shows which windows a store has, and lets it forget some."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from logferry._errors import InvalidRequestError
from logferry._redaction import printable
from logferry._time.timestamps import LAST, SECOND, moment, rfc3339
from logferry.cli._completion import complete_stream
from logferry.cli._output.stdout import echo, output_errors, text_console
from logferry.cli._shell import counted, shell_options, tell

if TYPE_CHECKING:
    from rich.table import Table

    from logferry.stores import Coverage, Described

_BRIEF: Final = SECOND
"""Nanoseconds: a provisional stretch of at most this length is a single record that may still change."""

_STYLES: Final = {"gap": "red", "lost": "red", "partial": "yellow", "provisional": "yellow", "expired": "dim"}

_SHOW: Final = """
\b
Examples:
  logferry state show logs.duckdb
  logferry state show logs.duckdb --format jsonl | jq .windows
"""

_FORGET: Final = """
\b
Examples:
  logferry state forget logs.duckdb --stream logto.audit_logs --since 7d
"""

_EPILOG: Final = """
\b
Examples:
  logferry state show logs.duckdb
  logferry state forget logs.duckdb --stream logto.audit_logs --since 7d
"""


@click.group(epilog=_EPILOG)
@shell_options
def state() -> None:
    """Show which windows a store has, or let it forget some."""


@state.command(epilog=_SHOW)
@click.argument("store")
@click.option(
    "--format", "form", type=click.Choice(("jsonl", "table")), help="Default: table on a terminal, jsonl otherwise."
)
@shell_options
def show(store: str, form: str | None) -> None:
    """
    List the windows that STORE has, and the gaps between them.

    For each stream of each account it prints the number of records, and which stretches of time are complete, provisional
    (read again by the next sync), partial (interrupted), missing (gap), lost (deleted by the service before a sync read
    them), and expired (deleted by the service before the store began).
    """
    from logferry.stores import open_store  # noqa: PLC0415  # brings along what the store needs

    with open_store(store, mode="read") as opened:
        rows = list(_rows(opened))
        size = opened.size()
    if (form or ("table" if sys.stdout.isatty() else "jsonl")) == "jsonl":
        for row in rows:
            echo(orjson.dumps({**row, "store_bytes": size}))
        return
    with output_errors():
        _print(store, rows, size)


@state.command(epilog=_FORGET)
@click.argument("store")
@click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="STREAM",
    shell_complete=complete_stream,
    help="Of this stream; repeatable.",
)
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Only of this account; repeatable.")
@click.option(
    "--since",
    metavar="TIME",
    help="Begin of the windows: ISO 8601, an age such as 24h, 7d, or Unix seconds. Default: all.",
)
@click.option("--until", metavar="TIME", help="End of the windows. Default: all.")
@shell_options
def forget(
    store: str, *, streams: tuple[str, ...], accounts: tuple[str, ...], since: str | None, until: str | None
) -> None:
    """
    Let STORE forget windows, so that the next sync reads them again.

    The records stay, and are replaced when they are read again.
    """
    from logferry.stores import open_store  # noqa: PLC0415

    if not streams and not accounts:
        raise InvalidRequestError(
            "forget needs --stream or --account", hint="logferry state show lists what the store has"
        )
    now = time.time_ns()
    begin = 0 if since is None else moment(since, now=now, name="since")
    end = LAST if until is None else moment(until, now=now, name="until")
    place = open_store(store, mode="change")
    from logferry.sync._rewinding import forget as rewind  # noqa: PLC0415  # brings along what the store has to have first

    with place as opened:
        changed = rewind(opened, streams=streams, accounts=accounts, since=begin, until=end)
    names = sorted({f"{one.stream} (account {one.account})" for one in changed})
    if not names:
        tell("", "there is no such window")
        return
    bounds = [f"{word} {rfc3339(time)}" for word, time in (("from", begin), ("up to", end)) if 0 < time < LAST]
    tell("", f"forgotten: {' '.join([', '.join(names), *bounds])}; the next sync reads it again")


def _rows(store: Described) -> Iterator[dict[str, Any]]:
    """Yield a row for each stream, account and filters: what the store has of them."""
    counts, now = store.counts(), time.time_ns()
    for question, coverage in sorted(store.coverage().items()):
        yield {
            "account": question.account,
            "stream": question.stream,
            "filters": orjson.loads(question.filters),
            "stream_records": counts.get((question.account, question.stream), 0),
            "windows": list(_windows(coverage.trusted(now))),
        }


def _windows(coverage: Coverage) -> Iterator[dict[str, Any]]:
    place: int | None = None
    for one in coverage.stretches:
        if place is not None and place < one.since:
            yield _window(place, one.since, "gap")
        yield _window(one.since, one.until, one.state)
        place = one.until


def _window(since: int, until: int, state_: str) -> dict[str, Any]:
    return {"since": rfc3339(since) if since else None, "until": rfc3339(until), "state": state_}


def _print(store: str, rows: list[dict[str, Any]], size: int | None) -> None:
    from rich.text import Text  # noqa: PLC0415  # only needed here, and slow to import

    console = text_console(sys.stdout.buffer)
    total = sum({(row["account"], row["stream"]): row["stream_records"] for row in rows}.values())
    mebibytes = "" if size is None else f", {size / 2**20:,.1f} MiB"
    console.print(Text(printable(f"{store}: {counted(total, 'record')}{mebibytes}"), "bold"), soft_wrap=True)
    for (account, stream), questions in groupby(rows, key=lambda row: (row["account"], row["stream"])):
        for number, row in enumerate(questions):
            if not number:
                named = "" if account == stream.partition(".")[0] else f"account {account}"
                words = "  ".join(word for word in (stream, named, counted(row["stream_records"], "record")) if word)
                console.print()
                console.print(Text(printable(words)), soft_wrap=True)
            if row["filters"]:
                filters = " ".join(f"{name}={value}" for name, value in row["filters"].items())
                console.print(Text(printable(f"  {filters}"), "dim"), soft_wrap=True)
            console.print(_table(row["windows"]))


def _table(windows: list[dict[str, Any]]) -> Table:
    from rich.table import Table  # noqa: PLC0415  # only needed here, and slow to import
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2, 0, 0))
    for window, moments in _told(windows):
        label = f"{window['state']}, except {moments:,} that may change" if moments else window["state"]
        style = _STYLES.get(window["state"], "")
        table.add_row("", Text(_minute(window["since"])), Text(_minute(window["until"])), Text(label, style))
    return table


def _told(windows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the windows; those that only single records interrupt are one, with the number of these records."""
    told: list[tuple[dict[str, Any], int]] = []
    for window in windows:
        if told:
            last, moments = told[-1]
            if window["state"] == "provisional" and _is_brief(window):
                told[-1] = ({**last, "until": window["until"]}, moments + 1)
                continue
            if moments and window["state"] == last["state"]:
                told[-1] = ({**last, "until": window["until"]}, moments)
                continue
        told.append((window, 0))
    yield from told


def _is_brief(window: dict[str, Any]) -> bool:
    since, until = window["since"], window["until"]
    return since is not None and moment(until, now=0, name="until") - moment(since, now=0, name="since") <= _BRIEF


def _minute(text: str | None) -> str:
    return "the beginning" if text is None else text[:19].replace("T", " ")
