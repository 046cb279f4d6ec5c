"""``logferry demo``: a pull, a sync and a query on the embedded services."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from logferry._accounts.registry import SERVICES
from logferry._errors import ConfigurationError, MissingPackageError
from logferry._extras import needing
from logferry.cli._output.stdout import echo, output_errors, terminal_console
from logferry.cli._shell import counted, shell_options, talk, tell
from logferry.cli._values import LocalPath

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from logferry.cli._demo.pull import Source
    from logferry.testing import Fake

_RECORDS: Final = 10_000
"""Records of each stream: a demo of this size takes a few seconds."""

_EPILOG: Final = """
\b
Examples:
  logferry demo
  logferry demo --records 100000
  logferry demo --keep demo.duckdb
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--records",
    type=click.IntRange(min=1, max=1_000_000_000),
    default=_RECORDS,
    show_default=True,
    help="How many records each stream has.",
)
@click.option(
    "--keep",
    metavar="PATH",
    type=LocalPath("--keep", "Name a file, such as demo.duckdb"),
    help="Keep the DuckDB file at this path.",
)
@shell_options
@click.pass_context
def demo(ctx: click.Context, *, records: int, keep: Path | None) -> None:
    """
    Pull from made-up services, compare, sync, and query.

    The services run on this machine in a separate process, and some of their responses are errors. The command pulls all
    streams at once and normalizes every record. The exit code is 1 if a record is missing or comes twice. Then it syncs
    all streams into a DuckDB file and queries it over all services. It needs no account and uses none.
    """
    from logferry.cli._demo.pull import Source  # noqa: PLC0415  # brings along anyio
    from logferry.testing import require_server  # noqa: PLC0415

    require_server()
    if keep is not None:
        with needing("--keep", extra="duckdb"):
            import_module("logferry.cli._demo.sync")
    epoch = time.time_ns() - 1_000_000_000
    fakes = _fakes(records, epoch)
    with _services(records, epoch) as urls:
        tell("", f"{counted(len(fakes), 'made-up service')} on this machine, {records:,} records in each stream")
        sources = [Source(*each) for each in zip(SERVICES, fakes, urls, strict=True)]
        code = demonstrate(sources, verbose=talk().verbose)
        code = max(code, _demonstrate_sync(sources, keep))
        echo("\nTry next: logferry simulate, which serves these services for you to pull from.")
    ctx.exit(code)


def _demonstrate_sync(sources: Sequence[Source], keep: Path | None) -> int:
    """Sync into a DuckDB file if DuckDB is installed, and return the exit code."""
    try:
        with needing("the sync at the end", extra="duckdb"):
            from logferry.cli._demo.sync import demonstrate_sync  # noqa: PLC0415  # brings along DuckDB
    except MissingPackageError as error:
        tell("", str(error))
        return 0
    import anyio  # noqa: PLC0415  # slow to import

    with TemporaryDirectory(prefix="logferry-") as folder, output_errors():
        return 0 if anyio.run(demonstrate_sync, sources, keep or Path(folder) / "logs.duckdb") else 1


def demonstrate(sources: Sequence[Source], *, verbose: bool = False) -> int:
    """
    Pull everything, and print what arrived.

    Args:
        sources: Where to pull from.
        verbose: Print a line for each retry.

    Returns:
        The exit code: 1 if a record is missing or comes twice, or a stream ends with an error; else 0.
    """
    import anyio  # noqa: PLC0415  # slow to import

    from logferry.cli._demo.pull import pull_all  # noqa: PLC0415  # brings along anyio
    from logferry.cli._demo.report import Bars, report  # noqa: PLC0415  # brings along rich

    begin = time.perf_counter()
    with Bars(sys.stderr, verbose=verbose) as bars:
        tallies = anyio.run(pull_all, sources, bars)
    with output_errors():
        complete = report(terminal_console(sys.stdout), tallies, seconds=time.perf_counter() - begin)
    return 0 if complete else 1


def _fakes(records: int, epoch: int) -> list[Fake]:
    """Make one fake of each service; the same arguments make equal fakes in every process."""
    from logferry.testing._registry import make_fake  # noqa: PLC0415  # the other commands start without the fakes

    return [make_fake(service, records=records, epoch=epoch, growing=False) for service in SERVICES]


@contextmanager
def _services(records: int, epoch: int) -> Generator[tuple[str, ...]]:
    """Serve the fakes in a separate process, so that they take no CPU time of the pull."""
    import multiprocessing  # noqa: PLC0415

    context = multiprocessing.get_context("spawn")  # a fork would copy locks without the threads that release them
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, records, epoch), name="logferry-fakes", daemon=True)
    with _ctrl_c_ignored():
        process.start()
    there.close()
    try:
        try:
            urls: tuple[str, ...] = here.recv()
        except EOFError:
            raise ConfigurationError(
                "the embedded services could not be started", hint="Run logferry simulate for details"
            ) from None
        yield urls
    finally:
        here.close()
        process.join(5)
        process.kill()


def _serve(connection: Connection, records: int, epoch: int) -> None:
    from logferry.testing import FakeResponse, Recorder, failing, first_of, serve_all  # noqa: PLC0415

    busy, limited = FakeResponse(503), FakeResponse(429, (("Retry-After", "1"),))
    recorders = [
        Recorder(fake, clock=time.time_ns, faults=first_of(failing(busy, at=[3]), failing(limited, at=[6])))
        for fake in _fakes(records, epoch)
    ]
    # Both calls fail once the other process has ended.
    with serve_all(recorders) as urls, suppress(EOFError, OSError):
        connection.send(urls)
        connection.recv()


@contextmanager
def _ctrl_c_ignored() -> Generator[None]:
    """Let a process that is started in this block ignore Ctrl-C from its start; it ends with this process."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
