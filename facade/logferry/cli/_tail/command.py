"""``logferry tail``: the command line."""

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
from logferry.cli._shell import shell_options
from logferry.cli._tail.run import FORMATS, Tail
from logferry.cli._values import LocalPath

_EPILOG: Final = """
\b
Examples:
  logferry tail
  logferry tail --since 10m --severity error
  logferry tail logto.audit_logs --format jsonl | jq .body
  logferry tail --state tail.json >> logs.jsonl
"""


@click.command(epilog=_EPILOG)
@streams_argument
@account_option
@click.option(
    "--since",
    metavar="TIME",
    help="Begin: ISO 8601, an age such as 5min, or Unix seconds. Default: now; records that exist already are left out.",
)
@page_size_option
@timeout_option
@filter_option
@severity_option
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: table on a terminal, jsonl otherwise.")
@click.option(
    "--raw",
    is_flag=True,
    help="Add each item as the service sent it (jsonl only). It can hold live secrets: tokens, authorization codes.",
)
@click.option(
    "--state",
    metavar="PATH",
    type=LocalPath("--state", "Name a file, such as tail.json", dir_okay=False),
    help="Resume from this file, if it exists, and update it. Only you can read it; one tail uses it at a time. "
    "Default: a file that is written at the end, and named in the line that prints how to resume.",
)
@shell_options
@click.pass_context
def tail(ctx: click.Context, /, **asked: Any) -> None:
    """
    Follow new records.

    It follows the named streams of all accounts, or all streams, until Ctrl-C, SIGTERM or SIGHUP. Then it prints how to
    resume without loss or duplicates. Records come in the order of time; each waits up to 5 seconds for older ones of
    other streams. A session that is not over is shown when it first appears, and once more when it is over.

    A service is polled every 2 seconds while records come, and up to every 30 seconds while none do. Each poll reads the
    last minutes again, so records that arrive late are found. The failure of a stream is printed on stderr, and the
    stream is tried again, unless its credentials are refused.
    """
    ctx.exit(Tail(**asked).run())
