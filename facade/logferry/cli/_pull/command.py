"""``logferry pull``: the command line."""

from pathlib import Path
from typing import Any, Final

import click

from logferry.cli._options import (
    account_option,
    filter_option,
    page_size_option,
    severity_option,
    streams_argument,
    timeout_option,
)
from logferry.cli._pull.run import DEFAULT_SINCE, FORMATS, Pull
from logferry.cli._shell import shell_options
from logferry.cli._values import LocalPath

_EPILOG: Final = """
\b
Examples:
  logferry pull
  logferry pull --since 7d --severity error --format jsonl | jq .body
  logferry pull --since 24h --format csv > logs.csv
  logferry pull --since 2026-11-01 --until 2026-12-01 --output logs.parquet
"""


def _file(_ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    return None if value == Path("-") else value


@click.command(epilog=_EPILOG)
@streams_argument
@account_option
@click.option(
    "--since",
    metavar="TIME",
    help=f"Begin of the window, inclusive: ISO 8601, an age such as 1h30m, 24h, 7d, now, or Unix seconds or milliseconds. Default: {DEFAULT_SINCE}.",
)
@click.option("--until", metavar="TIME", help="End of the window, exclusive. Default: now.")
@click.option("--max-items", type=click.IntRange(min=1), metavar="N", help="At most N records of each stream.")
@page_size_option
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N requests of a stream in flight. Default: 4.",
)
@timeout_option
@filter_option
@severity_option
@click.option(
    "--output",
    metavar="PATH",
    type=LocalPath("--output", "Name a file; or leave it out, and pipe the records to the program that writes there"),
    callback=_file,
    help="Write to a file that only you can read. It appears when it is complete; until then it is PATH.partial. What a parquet or arrow pull that fails had received is in a part of its own, and the line that resumes it writes the next one.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    metavar="FORMAT",
    help="jsonl, csv, table, parquet or arrow. Default: what the name of --output ends in (.jsonl, .csv, and .gz or .zst behind them to compress; .parquet, .arrow); else table on a terminal, jsonl otherwise. parquet needs --output; arrow without it is a stream, for a pipe.",
)
@click.option(
    "--no-header",
    "header",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Leave out the csv's first line, to append to a file that has it.",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Add each item as the service sent it (not in a table). It can hold live secrets: tokens, authorization codes.",
)
@click.option("--strict", is_flag=True, help="Fail at the first item that does not decode.")
@click.option("--resume", metavar="CHECKPOINT", help="Resume an earlier pull, which has printed this checkpoint.")
@shell_options
@click.pass_context
def pull(ctx: click.Context, /, **asked: Any) -> None:
    """
    Write the records of a time window.

    It reads the named streams of all accounts. Without names it reads all streams, except those that lack a given filter
    or need a filter that is not given. Records go to stdout, everything else to stderr. A pull that fails in the
    middle, or is interrupted by Ctrl-C, SIGTERM or SIGHUP, prints how to resume it.
    """
    ctx.exit(Pull(**asked).run())
