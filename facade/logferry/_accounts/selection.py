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
        """What to call it in messages."""
        return label_of(self.account.name, self.stream.name)

    def spellings(self, *, sessions: bool = False) -> dict[str, str]:
        """Its filters' names in Python, by all spellings; with *sessions* also those that select the sessions to read."""
        filters = [*self.stream.filter_list]
        listing = self.stream.incremental.sessions
        if sessions and listing is not None:
            (lists,) = (one for one in self.account.service.streams if one.name == listing.stream)
            filters += [one for one in lists.filter_list if one.name in listing.filters]
        return {spelling: one.name for one in filters for spelling in (one.name, one.wire_name)}


@frozen(kw_only=True)
class Skipped:
    """
    A stream that is not read.

    Attributes:
        account: The account's name.
        stream: The stream's name.
        lacks: Filters that were given, and that it does not have.
        needs: Filters of which it needs one, and that neither the caller nor the account's settings give.
    """

    account: str
    stream: str
    lacks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        if self.lacks:
            return f"has no filter {' or '.join(self.lacks)}"
        return f"needs the filter {' or '.join(self.needs)}"

    @property
    def label(self) -> str:
        """The stream, and the account where its name says more than the service's."""
        return label_of(self.account, self.stream)


def label_of(account: str, stream: str) -> str:
    """What to call a stream of an account in messages, as errors do."""
    return stream if account == stream.partition(".")[0] else f"{stream} (account {account})"


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
    """The streams of these names in the accounts that are meant; all without names.  Errors say which name there is not."""
    meant = named_accounts(names, accounts)
    require_streams(streams)
    jobs = [
        Job(account, stream)
        for account in meant
        for stream in _streams_of(account, alone=len(meant) == 1)
        if not streams or stream.name in streams
    ]
    missing = sorted(set(streams) - {job.stream.name for job in jobs})
    if not missing:
        return jobs
    service = service_named(missing[0].partition(".")[0])
    assert service is not None  # noqa: S101  # the stream is known
    having = [account.name for account in accounts if account.service == service]
    if having:
        lacking = [account.name for account in meant]
        plural = len(lacking) > 1
        raise ConfigurationError(
            f"account{'s' if plural else ''} {listed(lacking)} {'do' if plural else 'does'} not have {missing[0]}; "
            f"{listed(having)} {'do' if len(having) > 1 else 'does'}"
        )
    how = how_to_have(service, accounts[0].file)
    raise ConfigurationError(f"no account has the stream {missing[0]}", hint=f"{how[0].upper()}{how[1:]}")


def _streams_of(account: Account, *, alone: bool) -> tuple[StreamDefinition[Any, Any, Any], ...]:
    """The streams of an account; none where its package does not work, which is raised only where the account stands alone."""
    try:
        return account.service.streams
    except ConfigurationError:
        if alone:
            raise
        return ()


def names_of(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names that a caller gave: a text is one."""
    return (given,) if isinstance(given, str) else tuple(given)


@frozen
class Filters:
    """The filters that a caller gave: *common* ones for every stream, and those of single streams, which count for more."""

    common: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, given: Mapping[str, str | Mapping[str, str]] | None) -> Filters:
        """Separate the filters of single streams from the others."""
        return cls(
            {name: value for name, value in (given or {}).items() if isinstance(value, str)},
            {name: value for name, value in (given or {}).items() if not isinstance(value, str)},
        )

    def of_stream(self, stream: str) -> dict[str, str]:
        """The filters of a stream."""
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
) -> tuple[list[Job], list[Skipped]]:
    """
    Of streams that were not named, those that can be read with filters of these names, and the others.

    *own* are names of further filters, by the stream that alone gets them.  With *sessions* a stream that needs a session's id
    is read for all sessions that another stream lists, and takes the filters that select these, too.
    """
    spellings = [job.spellings(sessions=sessions) for job in jobs]
    known = {spelling: name for names in spellings for spelling, name in names.items()}
    for name in filters:
        if name not in known:
            raise InvalidRequestError(
                f"no stream has a filter {name!r}", hint=suggestion(name, list(dict.fromkeys(known.values())))
            )
    left: list[Job] = []
    others: list[Skipped] = []
    for job, names in zip(jobs, spellings, strict=True):
        lacks = tuple(name for name in filters if name not in names)
        given = {names.get(name) for name in (*filters, *(own or {}).get(job.stream.name, ()))}
        needs = () if sessions and job.stream.incremental.sessions is not None else job.stream.needs_one_of
        if lacks:
            others.append(Skipped(account=job.account.name, stream=job.stream.name, lacks=lacks))
        elif needs and not any(name in given or job.account.has(name) for name in needs):
            others.append(Skipped(account=job.account.name, stream=job.stream.name, needs=needs))
        else:
            left.append(job)
    if not left:
        raise InvalidRequestError(
            "no stream is left to be read", hint="logferry streams lists what each takes and needs"
        )
    return left, others
