"""``logferry pull``: a window in, records out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from logferry._errors import ConfigurationError, InvalidRequestError
from logferry._selection import Job, selected_jobs
from logferry.cli._interrupts import Interrupts
from logferry.cli._outputs import FORMATS, JsonLines, Output, PartialFile, output_errors, text_console
from logferry.cli._parameters import pairs, severity
from logferry.cli._progress import Progress
from logferry.cli._reading import Reader, Reading, Wanted
from logferry.cli._selection import account_option, wanted_accounts
from logferry.cli._shell import shell_options, talk, tell, tell_error

if TYPE_CHECKING:
    from logferry._client import Client, StreamOptions

_SINCE: Final = "24h"
"""Where a window begins unless somebody says."""

_EPILOG: Final = """
\b
Examples:
  logferry pull
  logferry pull --since 7d --severity error --format jsonl | jq .body
  logferry pull --since 2026-11-01 --until 2026-12-01 --output november.jsonl
"""


@click.command(epilog=_EPILOG)
@click.argument("streams", nargs=-1, metavar="[STREAM]...")
@account_option
@click.option(
    "--since",
    metavar="TIME",
    help=f"Begin of the window, itself within: ISO 8601, or an age such as 30m, 24h, 7d. Default: {_SINCE}.",
)
@click.option("--until", metavar="TIME", help="End of the window, itself outside. Default: now.")
@click.option("--max-items", type=click.IntRange(min=1), metavar="N", help="At most so many records of each stream.")
@click.option(
    "--page-size", type=click.IntRange(min=1), metavar="N", help="Ask for so many at once. Default: the stream's."
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    callback=pairs,
    help="A filter of the stream, see logferry streams; repeatable.",
)
@click.option(
    "--severity",
    "lowest",
    metavar="LEVEL",
    callback=severity,
    help="Only records of this severity and above: trace, debug, info, warn, error, fatal, or 1 to 24. "
    "Records without a severity are left out.",
)
@click.option(
    "--output",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Write to a file that only you can read. It appears when it is complete; until then it is PATH.partial.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Default: table on a terminal, jsonl otherwise.",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Add each item as the service sent it (jsonl only). It can hold live secrets: tokens, authorization codes.",
)
@click.option("--strict", is_flag=True, help="Fail at the first item that does not decode.")
@click.option("--resume", metavar="CHECKPOINT", help="Go on where a pull ended; it prints what to put here.")
@shell_options
@click.pass_context
def pull(
    ctx: click.Context,
    *,
    streams: tuple[str, ...],
    accounts: tuple[str, ...],
    since: str | None,
    until: str | None,
    max_items: int | None,
    page_size: int | None,
    filters: dict[str, str],
    lowest: int,
    output: Path | None,
    force: bool,
    form: str | None,
    raw: bool,
    strict: bool,
    resume: str | None,
) -> None:
    """
    Write the records of a window of time.

    All streams of all accounts are read, or those that are named; without names, those that need a filter they did
    not get are left out. Records go to stdout, everything else to stderr. A
    pull that fails in the middle, or is interrupted by Ctrl-C or SIGTERM, prints how to resume it.
    """
    output = None if output == Path("-") else output
    jobs = selected_jobs(streams, wanted_accounts(accounts))
    if not streams:
        jobs = [job for job in jobs if _askable(job, filters)]
    if resume is not None and len(jobs) != 1:
        raise InvalidRequestError(
            "--resume goes with one stream of one account", hint="Use the line that the interrupted pull printed"
        )
    shown = output is None and sys.stdout.isatty()
    table = (form or ("table" if shown else "jsonl")) == "table"
    if raw and table:
        raise InvalidRequestError("--raw goes with jsonl only", hint="Add --format jsonl")
    options: StreamOptions = {
        "since": _SINCE if since is None and resume is None else since,
        "until": until,
        "page_size": page_size,
        "resume": resume,
        "strict": strict,
    }
    interrupts = Interrupts()
    watched = sys.stderr.isatty()
    progress = Progress(living=watched and not shown, alone=watched and shown, verbose=talk().verbose)
    with output_errors(), ExitStack() as stack:
        stack.enter_context(interrupts.watched())
        file = None if output is None else stack.enter_context(PartialFile(output, force=force))
        binary = sys.stdout.buffer if file is None else file.file
        wanted = Wanted(
            severity=lowest,
            max_items=max_items,
            options=_repeated(
                {"raw": raw, "strict": strict, "format": form, "page-size": page_size, "severity": lowest}
            ),
            appended_to=file,
        )
        written_to = _table(binary, jobs) if table else JsonLines(binary, raw=raw)
        reader = Reader(wanted, written_to, interrupts, progress)
        readings, code = _opened(jobs, reader, filters, options, stack)
        code = max(code, reader.read(readings))
        if shown and code == 0 and not any(reading.written for reading in readings):
            tell("", "no such records in the window; --since can go further back")
        interrupts.working()
        if file is not None and code == 0:
            file.complete()
    ctx.exit(code)


def _askable(job: Job, filters: Mapping[str, str]) -> bool:
    """Whether a stream that nobody named can be asked for; where a filter is missing, that is told."""
    needed = [one for one in job.stream.filter_list if one.name in job.stream.needs_one_of]
    if any(job.account.has(one.name) for one in needed):
        return True
    if not needed or any(one.name in filters or one.wire_name in filters for one in needed):
        return True
    tell("", f"left out: {job.stream.name} needs --filter {' or '.join(f'{one.name}=...' for one in needed)}")
    return False


def _repeated(options: Mapping[str, str | int | None]) -> tuple[str, ...]:
    """The options as they stand on a command line; those that are not set are left out."""
    words: list[str] = []
    for name, value in options.items():
        if value:
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return tuple(words)


def _table(file: BinaryIO, jobs: Sequence[Job]) -> Output:
    from logferry.cli._table import Table  # noqa: PLC0415  # brings along rich, which a pipe does not need

    return Table(text_console(file), sorted({job.stream.name for job in jobs}))


def _opened(
    jobs: Sequence[Job], reader: Reader, filters: dict[str, str], options: StreamOptions, stack: ExitStack
) -> tuple[list[Reading], int]:
    """
    Open all streams before the first is read, so that a call that cannot be right writes nothing.

    Returns:
        The streams of the accounts that could be opened, and the exit code so far; what could not has been told.
    """
    clients: dict[str, Client | None] = {}
    readings: list[Reading] = []
    code = 0
    for job in jobs:
        name = job.account.name
        if name not in clients:
            try:
                clients[name] = stack.enter_context(job.account.open(**reader.hooks))
            except ConfigurationError as error:
                tell_error(error)
                clients[name], code = None, error.exit_code
        client = clients[name]
        if client is not None:
            stream = client.stream(job.stream.name, filters=filters, **options)
            readings.append(Reading(job, stream.records(), resumed=options.get("resume") is not None))
    return readings, code
