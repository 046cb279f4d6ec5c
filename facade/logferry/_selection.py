"""From what a user names to accounts and streams, for the shell and for programs alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from attrs import frozen

from logferry._accounts import Account, configuration_file, find_accounts
from logferry._definition import StreamDefinition
from logferry._errors import ConfigurationError, InvalidRequestError
from logferry._registry import SERVICES
from logferry._suggestions import suggestion


@frozen
class Job:
    """A stream of an account, to be read."""

    account: Account
    stream: StreamDefinition[Any, Any, Any]

    def unaskable(self, filters: Mapping[str, Any]) -> str | None:
        """
        Why the stream cannot be asked with these filters, or ``None`` where it can.

        Either it lacks one of them, or it needs one that neither the caller nor the account's settings give.
        """
        names = {spelling: one.name for one in self.stream.filter_list for spelling in (one.name, one.wire_name)}
        foreign = [name for name in filters if name not in names]
        if foreign:
            return f"it has no filter {foreign[0]}"
        given = {names[name] for name in filters}
        needed = self.stream.needs_one_of
        if not needed or any(name in given or self.account.has(name) for name in needed):
            return None
        return f"it needs the filter {' or '.join(needed)}"


def selected_accounts(names: Sequence[str] = (), *, config: str | PurePath | None = None) -> tuple[Account, ...]:
    """
    The accounts of these names; all without a name.

    Args:
        names: The accounts' names.
        config: The configuration file; default: where it usually is, else the environment.

    Raises:
        ConfigurationError: There is no account, or the configuration file cannot be used.
        InvalidRequestError: There is none of that name.
    """
    accounts = {account.name: account for account in find_accounts(config)}
    if not accounts:
        found = configuration_file(config)
        if found is not None:
            raise ConfigurationError(f"there is no account in {found[0]}", hint="Add a table such as [accounts.login]")
        raise ConfigurationError(
            "there is no account: no logferry.toml was found, and no service's environment variables are set",
            hint=_how_to_set(),
        )
    for name in names:
        if name not in accounts:
            raise InvalidRequestError(f"there is no account {name!r}", hint=suggestion(name, list(accounts)))
    return tuple(accounts[name] for name in dict.fromkeys(names)) if names else tuple(accounts.values())


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


def check_filters(filters: Mapping[str, Any], jobs: Sequence[Job]) -> None:
    """
    Refuse a filter that none of the streams has, because it is misspelt.

    Raises:
        InvalidRequestError: It names the filter, and those that there are.
    """
    known = sorted({name for job in jobs for one in job.stream.filter_list for name in (one.name, one.wire_name)})
    for name in filters:
        if name not in known:
            raise InvalidRequestError(f"none of the streams has a filter {name!r}", hint=suggestion(name, known))


def _how_to_set(stream: str | None = None) -> str:
    services = [
        service
        for service in SERVICES
        if stream is None or stream in [definition.name for definition in service.streams]
    ]
    return "; ".join(f"For {service.name} set {', '.join(service.variables)}" for service in services)
