"""Options that several commands have: accounts, streams, filters, severities; and the streams that they select."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from logferry._accounts.registry import failures
from logferry._accounts.selection import Job, Skipped, askable_jobs, selected_accounts, selected_jobs
from logferry.cli._completion import complete_account, complete_filter, complete_severity, complete_stream
from logferry.cli._shell import talk, tell
from logferry.cli._values import duration, pairs, severity

if TYPE_CHECKING:
    from logferry._accounts.accounts import Account

account_option = click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_account,
    help="Only this account; repeatable. Default: all.",
)

streams_argument = click.argument("streams", nargs=-1, metavar="[STREAM]...", shell_complete=complete_stream)

filter_option = click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    callback=pairs,
    shell_complete=complete_filter,
    help="A filter of the streams, see logferry streams; repeatable.",
)

severity_option = click.option(
    "--severity",
    "lowest",
    metavar="LEVEL",
    callback=severity,
    shell_complete=complete_severity,
    help="Only records of this severity and above: trace, debug, info, warn, error, fatal, or 1 to 24. "
    "Records without a severity are left out.",
)

page_size_option = click.option(
    "--page-size", type=click.IntRange(min=1), metavar="N", help="Request N items per page. Default: the stream's."
)

timeout_option = click.option(
    "--timeout",
    metavar="AGE",
    callback=duration,
    help="Timeout of one request, from the first byte sent to the last byte read: 30s, 10m. Each retry has the same timeout. "
    "Default: 5m.",
)


def wanted_accounts(names: Sequence[str] = ()) -> tuple[Account, ...]:
    """Return the accounts of these names, or all, of the configuration that the command line names."""
    try:
        return selected_accounts(names, config=talk().config)
    finally:
        tell_failed_packages()


def tell_failed_packages() -> None:
    """Write to stderr which packages with services do not work, as far as they have been loaded."""
    for error in failures():
        # The library logs them, too.
        logging.getLogger("logferry").addHandler(logging.NullHandler())
        tell("Warning", str(error))


def asked_jobs(
    names: Sequence[str], accounts: Sequence[str], filters: Collection[str]
) -> tuple[list[Job], list[Skipped]]:
    """
    Return the streams to read, and those that are left out: they are not named, and the filters do not fit them.

    Args:
        names: The streams' names; empty for all.
        accounts: The accounts' names; empty for all.
        filters: The filters' names, in Python or on the wire.

    Raises:
        InvalidRequestError: There is no such stream, account or filter, or no stream is left.
        ConfigurationError: There is no account, or none that is meant has the stream.
    """
    jobs = selected_jobs(names, wanted_accounts(), accounts)
    return (jobs, []) if names else askable_jobs(jobs, filters)


def tell_left_out(left_out: Sequence[Skipped]) -> None:
    """Write to stderr which streams are left out, and why, once the command line is known to be right."""
    for one in left_out:
        needed = " or ".join(one.needs)
        tell("", f"left out: {one.label} {f'needs --filter {needed}' if needed else one.reason}")
