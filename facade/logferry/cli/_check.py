"""``logferry check``: send one cheap request per account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from logferry._errors import InvalidRequestError, LogferryError
from logferry._http.options import Timeouts
from logferry._http.retry import RetryPolicy
from logferry._redaction import printable
from logferry.cli._options import account_option, wanted_accounts
from logferry.cli._output.stdout import echo
from logferry.cli._progress import Progress
from logferry.cli._shell import note_failure, shell_options, talk, tell_traceback

if TYPE_CHECKING:
    from logferry._accounts.accounts import Account
    from logferry._client import Client
    from logferry._streams.views import Stream

_TIMEOUTS: Final = Timeouts(read=10.0, whole=30.0)
"""Options of the requests: the user waits for the result, so timeouts are shorter than those of a pull."""
_RETRIES: Final = RetryPolicy(attempts=2, longest_retry_after=2.0, refused_for=0.0)

_EPILOG: Final = """
\b
Examples:
  logferry check
  logferry check && logferry pull > logs.jsonl
"""


@click.command(epilog=_EPILOG)
@account_option
@shell_options
@click.pass_context
def check(ctx: click.Context, accounts: tuple[str, ...]) -> None:
    """
    Request one record per account, and print failures.

    A request that fails temporarily is sent once more.
    The exit code is the highest of all accounts.
    """
    selected = wanted_accounts(accounts)
    width = max(len(account.name) for account in selected)
    ctx.exit(max(_check(account, account.name.ljust(width)) for account in selected))


def _check(account: Account, label: str) -> int:
    begin = time.monotonic()
    try:
        progress = Progress(living=False, alone=False, verbose=talk().verbose)
        with account.open(**progress.hooks) as opened:
            name, stream = _cheapest(opened.with_options(timeout=_TIMEOUTS, retries=_RETRIES))
            stream.records().to_list()
    except LogferryError as error:
        tell_traceback(error)
        note_failure(error.exit_code)
        echo(f"{click.style('failed', fg='red')}  {label}  {printable(str(error))}")
        return error.exit_code
    seconds = time.monotonic() - begin
    echo(f"{click.style('ok', fg='green')}      {label}  {name} answered in {seconds:.2f} s")
    return 0


def _cheapest(client: Client) -> tuple[str, Stream[Any]]:
    """Return the first stream that needs no filter, limited to one record, and its name."""
    *others, last = (definition.name for definition in client.streams)
    for name in others:
        try:
            return name, client.stream(name, page_size=1, max_items=1)
        except InvalidRequestError:  # it needs a filter
            continue
    return last, client.stream(last, page_size=1, max_items=1)
