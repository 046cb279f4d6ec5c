"""``logferry sync``: what is new, into a store."""

from typing import Any, Final

import click

from logferry.cli._options import account_option, filter_option, streams_argument, timeout_option
from logferry.cli._pull.run import DEFAULT_SINCE
from logferry.cli._shell import shell_options
from logferry.cli._sync.run import Syncing
from logferry.cli._values import duration

_EPILOG: Final = """
\b
Examples:
  logferry sync --to logs.duckdb
  logferry sync --to logs.duckdb --since 30d
  logferry sync logto.audit_logs --to logs.duckdb --filter user_id=abc
  logferry sync --to logs/ --every 5m
"""


@click.command(epilog=_EPILOG)
@streams_argument
@click.option(
    "--to",
    "store",
    required=True,
    metavar="STORE",
    help="A DuckDB file such as logs.duckdb, a folder for Parquet files such as logs/ (or any name without suffix), "
    "or dlt:DESTINATION.",
)
@account_option
@click.option(
    "--since",
    metavar="TIME",
    help="How far back to go at least: ISO 8601, an age such as 24h, 90d, or Unix seconds. Default: where the store begins; "
    f"{DEFAULT_SINCE}, for a stream of which it has nothing.",
)
@click.option("--until", metavar="TIME", help="Up to where. Default: now.")
@timeout_option
@filter_option
@click.option(
    "--raw",
    is_flag=True,
    help="Keep each item as the service sent it, too. It can hold live secrets: tokens, authorization codes.",
)
@click.option(
    "--every",
    metavar="AGE",
    callback=duration,
    help="Keep running, and sync at this interval, give or take a tenth: 5m, 1h30m. Ctrl-C, SIGTERM or SIGHUP ends it.",
)
@shell_options
@click.pass_context
def sync(ctx: click.Context, /, **asked: Any) -> None:
    """
    Bring what is new into a store, every record once.

    The store knows which stretches of time it has, so a sync can be stopped at any moment, and the next one goes on.
    What is so young that records may still come, or that may still change, is read again later. All streams of all
    accounts are read, or those that are named. Logs of calls are read call by call: of all calls that began within the
    time that is asked for. A stream that fails stops no other. What is complete is kept by filters.
    """
    if asked["every"] is not None and asked["until"] is not None:
        raise click.UsageError("--every and --until contradict each other: nothing is new of what is over.")
    ctx.exit(Syncing(**asked).run())
