"""From what a user names to accounts and streams."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import click
from attrs import frozen

from logferry._definition import StreamDefinition
from logferry._errors import ConfigurationError, InvalidRequestError
from logferry._registry import SERVICES, Account, environment_accounts
from logferry.cli._completion import complete_account

account_option = click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_account,
    help="Only this account; repeatable. Default: all.",
)


@frozen
class Job:
    """A stream of an account, to be read."""

    account: Account
    stream: StreamDefinition[Any, Any, Any]

    @property
    def has_named_account(self) -> bool:
        """Whether the account's name says more than the stream's, which begins with the service's."""
        return self.account.name != self.account.service.name

    @property
    def label(self) -> str:
        """What to call it in messages, as errors do."""
        return f"{self.stream.name} (account {self.account.name})" if self.has_named_account else self.stream.name


def selected_accounts(names: Sequence[str]) -> list[Account]:
    """
    The accounts of these names; all without a name.

    Raises:
        ConfigurationError: There is no account.
        InvalidRequestError: There is none of that name.
    """
    accounts = environment_accounts()
    if not accounts:
        raise ConfigurationError("there is no account: no service's environment variables are set", hint=_how_to_set())
    known = {account.name: account for account in accounts}
    for name in names:
        if name not in known:
            raise InvalidRequestError(f"there is no account {name!r}", hint=suggestion(name, list(known)))
    return [known[name] for name in dict.fromkeys(names)] if names else list(accounts)


def selected_jobs(streams: Sequence[str], accounts: Sequence[Account]) -> list[Job]:
    """
    The streams of these names in each of the accounts; all streams without a name.

    Raises:
        InvalidRequestError: There is no such stream.
        ConfigurationError: No account has it.
    """
    known = [stream.name for service in SERVICES for stream in service.streams]
    for name in streams:
        if name not in known:
            raise InvalidRequestError(f"there is no stream {name!r}", hint=suggestion(name, known))
    jobs = [
        Job(account, stream)
        for account in accounts
        for stream in account.service.streams
        if not streams or stream.name in streams
    ]
    missing = sorted(set(streams) - {job.stream.name for job in jobs})
    if missing:
        raise ConfigurationError(f"no account has the stream {missing[0]}", hint=_how_to_set(missing[0]))
    return jobs


def suggestion(name: str, known: Sequence[str]) -> str:
    """What a user may have meant."""
    nearest = get_close_matches(name, known, n=1)
    meant = f"Did you mean {nearest[0]}? " if nearest else ""
    return f"{meant}Known: {', '.join(known)}"


def _how_to_set(stream: str | None = None) -> str:
    services = [
        service
        for service in SERVICES
        if stream is None or stream in [definition.name for definition in service.streams]
    ]
    return "; ".join(f"For {service.name} set {', '.join(service.variables)}" for service in services)
