"""From what a user names to accounts and streams, for the shell and for programs alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from attrs import frozen

from logferry._accounts.accounts import Account, configuration_file, find_accounts
from logferry._accounts.registry import Service, all_services, all_streams, service_named
from logferry._config.settings import listed
from logferry._errors import ConfigurationError, InvalidRequestError, suggestion
from logferry._streams.definition import StreamDefinition


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

    def spellings(self, *, sessions: bool = False) -> dict[str, str]:
        """
        The stream's filters: from the names in Python and on the wire to the name in Python.

        With *sessions* also those that narrow which sessions are read, where it is read session by session.
        """
        filters = [*self.stream.filter_list]
        listing = self.stream.incremental.sessions
        if sessions and listing is not None:
            (lists,) = (one for one in self.account.service.streams if one.name == listing.stream)
            filters += [one for one in lists.filter_list if one.name in listing.filters]
        return {spelling: one.name for one in filters for spelling in (one.name, one.wire_name)}


@frozen
class LeftOut:
    """
    A stream that cannot be asked.

    Attributes:
        job: The stream.
        lacks: Filters that were given, and that it does not have.
        needs: Filters of which it needs one, and that neither the caller nor the account's settings give.
    """

    job: Job
    lacks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why, after the stream's name."""
        if self.lacks:
            return f"has no filter {' or '.join(self.lacks)}"
        return f"needs the filter {' or '.join(self.needs)}"


@frozen(kw_only=True)
class Skipped:
    """
    A stream that is not asked.

    Attributes:
        account: The account's name.
        stream: The stream's name.
        reason: Why, in a few words.
    """

    account: str
    stream: str
    reason: str


def selected_accounts(names: Sequence[str] = (), *, config: str | PurePath | None = None) -> tuple[Account, ...]:
    """The accounts of these names; all without a name.  Without any account, a ConfigurationError says how to have one."""
    accounts = find_accounts(config)
    if not accounts:
        found = configuration_file(config)
        if found is not None:
            raise ConfigurationError(f"there is no account in {found[0]}", hint="Add a table such as [accounts.login]")
        raise ConfigurationError(
            "there is no account: no logferry.toml was found, and no service's environment variables are set",
            hint="Set the variables of one: "
            + "; ".join(f"{', '.join(service.variables)} ({service.name})" for service in all_services())
            + ". To try it without any, logferry simulate serves made-up ones",
        )
    return named_accounts(names, accounts)


def named_accounts(names: Sequence[str], accounts: Sequence[Account]) -> tuple[Account, ...]:
    """Those of the accounts that have these names; all without a name.  An unknown name is an InvalidRequestError."""
    known = {account.name: account for account in accounts}
    for name in names:
        if name not in known:
            raise InvalidRequestError(f"there is no account {name!r}", hint=suggestion(name, list(known)))
    return tuple(known[name] for name in dict.fromkeys(names)) if names else tuple(accounts)


def how_to_have(service: Service, file: Path | None) -> str:
    """A hint: what makes an account of a service, in a configuration file or (``None``) in the environment."""
    if file is None:
        return f"set {', '.join(service.variables)}"
    return f'add a table with service = "{service.name}" to {file}'


def require_streams(names: Sequence[str]) -> None:
    """Refuse names that no stream has, by an InvalidRequestError."""
    for name in names:
        service = service_named(name.partition(".")[0])
        own = [] if service is None else [stream.name for stream in service.streams]
        if service is not None and name == service.name:
            raise InvalidRequestError(f"{name!r} is a service, not a stream", hint=f"Its streams: {', '.join(own)}")
        if name not in own:
            known = [stream.name for _, stream in all_streams()]
            raise InvalidRequestError(f"there is no stream {name!r}", hint=suggestion(name, known))


def selected_jobs(streams: Sequence[str], accounts: Sequence[Account], names: Sequence[str] = ()) -> list[Job]:
    """
    The streams of these names in the accounts that are meant; without names, all of them.

    Raises:
        InvalidRequestError: There is no such stream or account.
        ConfigurationError: No account that is meant has the stream.
    """
    meant = named_accounts(names, accounts)
    require_streams(streams)
    jobs = [
        Job(account, stream)
        for account in meant
        for stream in _streams_of(account, alone=len(meant) == 1)
        if not streams or stream.name in streams
    ]
    missing = sorted(set(streams) - {job.stream.name for job in jobs})
    if missing:
        raise _nowhere(missing[0], accounts, meant)
    return jobs


def _streams_of(account: Account, *, alone: bool) -> tuple[StreamDefinition[Any, Any, Any], ...]:
    """The streams of an account; none where its package does not work, which is raised only where the account stands alone."""
    try:
        return account.service.streams
    except ConfigurationError:
        if alone:
            raise
        return ()


def _nowhere(stream: str, accounts: Sequence[Account], meant: Sequence[Account]) -> ConfigurationError:
    """None of the accounts that are meant has the stream."""
    service = service_named(stream.partition(".")[0])
    assert service is not None  # noqa: S101  # the stream is known
    having = [account.name for account in accounts if account.service == service]
    if having:
        lacking = [account.name for account in meant]
        plural = len(lacking) > 1
        return ConfigurationError(
            f"account{'s' if plural else ''} {listed(lacking)} {'do' if plural else 'does'} not have {stream}; "
            f"{listed(having)} {'do' if len(having) > 1 else 'does'}"
        )
    how = how_to_have(service, accounts[0].file)
    return ConfigurationError(f"no account has the stream {stream}", hint=f"{how[0].upper()}{how[1:]}")


def names_of(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names that a caller gave: a text is one."""
    return (given,) if isinstance(given, str) else tuple(given)


@frozen
class Filters:
    """
    The filters that a caller gave.

    Attributes:
        common: Values by the filter's name, for every stream.
        own: The same for single streams, by the stream's name; they count for more.
    """

    common: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, given: Mapping[str, str | Mapping[str, str]] | None) -> Filters:
        """Tell the filters of single streams from the others."""
        return cls(
            {name: value for name, value in (given or {}).items() if isinstance(value, str)},
            {name: value for name, value in (given or {}).items() if not isinstance(value, str)},
        )

    def of_stream(self, stream: str) -> dict[str, str]:
        """What a stream is asked with."""
        return {**self.common, **self.own.get(stream, {})}

    def require_among(self, jobs: Sequence[Job]) -> None:
        """Refuse filters of a single stream that is not read, by an InvalidRequestError."""
        require_streams(list(self.own))
        read = {job.stream.name for job in jobs}
        for stream in self.own:
            if stream not in read:
                raise InvalidRequestError(
                    f"filters names {stream}, which is not read", hint="Add it to streams, or leave its filters out"
                )


def askable_jobs(
    jobs: Sequence[Job],
    filters: Collection[str],
    *,
    own: Mapping[str, Collection[str]] | None = None,
    sessions: bool = False,
) -> tuple[list[Job], list[LeftOut]]:
    """
    Of streams that were not named, those that can be asked with these filters, and the others.

    Args:
        jobs: The streams.
        filters: The filters' names, in Python or on the wire.
        own: Names of further filters, by the stream that alone gets them.
        sessions: Whether a stream that needs a session's id is asked for all sessions that another stream lists; it then
            takes the filters that narrow these, too.
    """
    spellings = [job.spellings(sessions=sessions) for job in jobs]
    known = {spelling: name for names in spellings for spelling, name in names.items()}
    for name in filters:
        if name not in known:
            raise InvalidRequestError(
                f"no stream has a filter {name!r}", hint=suggestion(name, list(dict.fromkeys(known.values())))
            )
    left: list[Job] = []
    others: list[LeftOut] = []
    for job, names in zip(jobs, spellings, strict=True):
        lacks = tuple(name for name in filters if name not in names)
        given = {names.get(name) for name in (*filters, *(own or {}).get(job.stream.name, ()))}
        needs = () if sessions and job.stream.incremental.sessions is not None else job.stream.needs_one_of
        if lacks:
            others.append(LeftOut(job, lacks=lacks))
        elif needs and not any(name in given or job.account.has(name) for name in needs):
            others.append(LeftOut(job, needs=needs))
        else:
            left.append(job)
    if not left:
        raise InvalidRequestError(
            "no stream is left to be read", hint="logferry streams lists what each takes and needs"
        )
    return left, others
