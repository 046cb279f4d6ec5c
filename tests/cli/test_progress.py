import io
from contextlib import redirect_stderr

import click
import pytest

from logferry._accounts.accounts import Account
from logferry._accounts.registry import SERVICES
from logferry._accounts.selection import Job
from logferry.cli import main
from logferry.cli._progress import Progress


@pytest.mark.parametrize(("account", "called"), [("logto", ""), ("production", " (account production)")])
def test_progress_names_the_account(account: str, called: str) -> None:
    """A progress line names the account if it differs from the name of its service."""
    (service,) = (one for one in SERVICES if one.name == "logto")
    job = Job(Account(name=account, service=service), service.streams[0])
    progress = Progress(living=False, alone=False, verbose=True)
    with redirect_stderr(io.StringIO()) as told, click.Context(main), progress.of(job.label, lambda: 3):
        pass
    assert told.getvalue().startswith(f"logto.audit_logs{called}: 3 records, 0 pages, ")
