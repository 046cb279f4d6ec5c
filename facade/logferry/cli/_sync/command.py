"""``logferry sync``: the command line."""

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
    help="Begin of the windows to read: ISO 8601, an age such as 24h, 90d, or Unix seconds. Default: where the store begins; "
    f"{DEFAULT_SINCE}, for a stream of which the store has nothing.",
)
@click.option("--until", metavar="TIME", help="End of the windows to read. Default: now.")
@timeout_option
@filter_option
@click.option(
    "--raw",
    is_flag=True,
    help="Store each item as the service sent it, too. It can hold live secrets: tokens, authorization codes.",
)
@click.option(
    "--every",
    metavar="AGE",
    callback=duration,
    help="Keep running, and sync at this interval, plus or minus a tenth: 5m, 1h30m. Ctrl-C, SIGTERM or SIGHUP ends it.",
)
@shell_options
@click.pass_context
def sync(ctx: click.Context, /, **asked: Any) -> None:
    """
    Read new records into a store, every record once.

    The store knows which windows of time it has. So a sync can be stopped at any moment, and the next one resumes. A
    window is read again later while records may still arrive in it or change. The command reads the named streams of
    all accounts, or all streams. Logs of calls are read call by call: of all calls that began within the time window.
    A stream that fails does not stop the others. Windows are kept separately for each set of filters.
    """
    if asked["every"] is not None and asked["until"] is not None:
        raise click.UsageError(
            "--every and --until contradict each other: a window that has ended gets no new records."
        )
    ctx.exit(Syncing(**asked).run())
