"""The second half of the demo: syncs all streams into one DuckDB file, and runs one query over all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
from rich.table import Table
from rich.text import Text

from logferry._accounts.accounts import Account
from logferry._errors import LogferryError
from logferry._ferry.ferry import Ferry
from logferry._redaction import printable
from logferry.cli._output.stdout import terminal_console
from logferry.stores import DuckDBStore
from logferry.testing._registry import settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from logferry.cli._demo.pull import Source
    from logferry.testing import Fake

QUERY: Final = """\
SELECT stream, count(*) AS records,
       count(*) FILTER (severity_number >= 17) AS errors,
       round(100 * errors / records, 1) AS percent,
       mode(body) FILTER (severity_number >= 17) AS most_often
FROM logs GROUP BY stream ORDER BY percent DESC, stream"""
"""The share of errors by stream, over all services."""

_LONGEST: Final = 24
"""Characters of a text that are shown at most."""


async def demonstrate_sync(sources: Sequence[Source], path: Path) -> bool:
    """
    Sync everything into a DuckDB file, query it, and print the result.

    Returns:
        Whether the file has every record exactly once.
    """
    begin = time.perf_counter()
    failures = [str(error) async for error in _synced(sources, path)]
    seconds = time.perf_counter() - begin
    with DuckDBStore(path) as store:
        counts = {stream: count for (_, stream), count in store.counts().items()}
    expected = _expected(sources)
    console = terminal_console(sys.stdout)
    had, wanted = sum(counts.values()), sum(expected.values())
    console.print(Text("\nlogferry sync --to logs.duckdb", "bold"))
    deleted = _there(sources) - wanted
    left_out = f"; the {deleted:,} that have been deleted are left out" if deleted else ""
    console.print(Text(f"{had:,} of {wanted:,} records in the file, in {seconds:.1f} s{left_out}"))
    for failure in failures:
        console.print(Text(printable(failure), "red"), soft_wrap=True)
    console.print(Text(f"\n{QUERY};", "bold"), soft_wrap=True)
    console.print(_answered(path))
    return counts == expected and not failures


async def _synced(sources: Sequence[Source], path: Path) -> AsyncIterator[LogferryError]:
    """Sync, and yield the errors."""
    accounts = [
        Account(
            name=source.service.name,
            service=source.service,
            file=Path("the demo"),
            values=settings_for(source.fake, source.url),
        )
        for source in sources
    ]
    # The user's accounts are not used; connections to this machine use neither proxies nor certificates.
    async with Ferry(accounts, {}) as ferry:
        for streams, filters in _questions(sources):
            report = await ferry.sync(DuckDBStore(path), streams=streams, filters=filters).arun()
            for error in report.failures:
                yield error


def _questions(sources: Sequence[Source]) -> Iterator[tuple[list[str], Mapping[str, str]]]:
    """Yield streams and filters that find everything: most streams at once, then each call that has logs."""
    needing = [
        (source.fake, stream) for source in sources for stream in source.service.streams if stream.incremental.sessions
    ]
    names = [stream.name for _, stream in needing]
    yield [stream.name for source in sources for stream in source.service.streams if stream.name not in names], {}
    for fake, stream in needing:
        for filters in fake.questions(stream.name):
            yield [stream.name], filters


def _expected(sources: Sequence[Source]) -> dict[str, int]:
    """Return how many records each stream has; a sync does not request deleted ones."""
    return {
        stream.name: _count(
            source.fake,
            stream.name,
            stream.incremental.questions if stream.incremental.sessions is None else source.fake.questions(stream.name),
        )
        for source in sources
        for stream in source.service.streams
    }


def _there(sources: Sequence[Source]) -> int:
    """Return how many records there are in all."""
    return sum(
        _count(source.fake, stream.name, source.fake.questions(stream.name))
        for source in sources
        for stream in source.service.streams
    )


def _count(fake: Fake, stream: str, questions: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(fake.truth(stream, **question)) for question in questions)


def _answered(path: Path) -> Table:
    with duckdb.connect(str(path.absolute()), read_only=True) as connection:
        cursor = connection.execute(QUERY)
        names: list[str] = [column[0] for column in cursor.description or ()]
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, justify="left" if name in ("stream", "most_often") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    text = printable(str(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
