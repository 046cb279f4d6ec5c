"""All accounts at once: their records as they arrive, and one that fails does not stop the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from anyio.from_thread import start_blocking_portal

from logferry._accounts.accounts import Account
from logferry._accounts.selection import Filters, selected_accounts
from logferry._client import Client
from logferry._config.arguments import LONGEST, SHORTEST, ClientOptions, WindowOptions
from logferry._config.hooks import FailureEvent
from logferry._errors import InvalidRequestError
from logferry._extras import needing
from logferry._ferry.clients import Clients
from logferry._ferry.follow import REORDERING, FerryFollow
from logferry._ferry.records import FerryRecords, refuse_other_names
from logferry._ferry.tasks import Tasks
from logferry._forks import keep
from logferry._records.severities import lowest_severity
from logferry._redaction import hide_secrets
from logferry._time.clock import SystemClock
from logferry._time.timestamps import Time, moment
from logferry._time.window import window

if TYPE_CHECKING:
    from logferry.stores import Store
    from logferry.sync import Sync
    from logferry.sync._report import Told

C = TypeVar("C", bound=Client)


class Ferry:
    """
    Every account of a configuration, each opened when it is first needed.

    Use it in a ``with`` or ``async with`` block, whose end closes all connections.  ``open_accounts`` makes it.
    """

    def __init__(self, accounts: Sequence[Account], options: ClientOptions, *, config: str | None = None) -> None:
        self._clients = Clients(tuple(accounts), options)
        self._config = config
        self._clock = options.get("clock") or SystemClock()
        self._tasks = Tasks(self._clients.by_account)
        self._stack = ExitStack()

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts' names, in the order of the configuration."""
        return tuple(account.name for account in self._clients.accounts)

    @overload
    def client(self, account: str) -> Client: ...
    @overload
    def client(self, account: str, kind: type[C]) -> C: ...
    def client(self, account: str, kind: type[Any] | None = None) -> Any:
        """
        The client of an account, as in ``ferry.client("login", logferry.Logto)``.

        Args:
            account: The account's name.
            kind: The class of the client, so that type checkers know its streams.

        Raises:
            InvalidRequestError: There is no such account, or it is for another service.
            ConfigurationError: A setting is missing or wrong.
        """
        client = self._clients.client(account)
        if kind is not None and not isinstance(client, kind):
            raise InvalidRequestError(
                f"the account {account!r} is for {client.service}", hint=f"Pass logferry.{type(client).__name__}"
            )
        return client

    def records(
        self,
        *,
        accounts: str | Sequence[str] = (),
        streams: str | Sequence[str] = (),
        filters: Mapping[str, str | Mapping[str, str]] | None = None,
        severity: str | int | None = None,
        resume: Mapping[str, Mapping[str, str]] | None = None,
        **options: Unpack[WindowOptions],
    ) -> FerryRecords:
        """
        The records of all accounts as they arrive; within one account stream after stream, each in server order.

        Args:
            accounts: Only these accounts; a text is one name; default: all.
            streams: Only these streams, by their full names; a text is one name; default: all that can be requested.  Without names, streams
                that lack a filter that is given, or need one that is not, are skipped: see ``FerryRecords.skipped``.
            filters: Values by the filter's name in Python or on the wire, as text; filters of a single stream by its full
                name, as in ``{"logto.audit_logs": {"user_id": "u1"}}``.
            severity: Only records of this severity and above: trace, debug, info, warn, error, fatal, or 1 to 24.  Records
                without a severity are left out then.
            resume: Checkpoints, by account, then by stream, as ``FerryRecords.checkpoints`` gives them; the times do not
                count for their streams.
            options: What every stream takes beside that: ``since``, ``until``, ``page_size``, ``max_items`` (of
                each stream), ``strict``.

        Raises:
            InvalidRequestError: The call cannot be right; nothing was sent.
            CheckpointError: A checkpoint is not one of this stream's.
            ConfigurationError: No account has a stream that is named.
            TypeError: There is no such argument.
        """
        refuse_other_names(options)
        try:
            lowest = lowest_severity(severity)
        except ValueError as error:
            raise InvalidRequestError(f"severity: {error}") from error
        views, skipped, unopened = self._clients.views(streams, accounts, filters, resume, options)
        return FerryRecords(self._tasks, views, skipped, unopened, lowest)

    def follow(
        self,
        *,
        accounts: str | Sequence[str] = (),
        streams: str | Sequence[str] = (),
        filters: Mapping[str, str | Mapping[str, str]] | None = None,
        since: Time | None = None,
        page_size: int | None = None,
        resume: Mapping[str, Mapping[str, str]] | None = None,
        shortest: float = SHORTEST,
        longest: float = LONGEST,
        reordering: float = REORDERING,
        on_failure: Callable[[FailureEvent], None] | None = None,
    ) -> FerryFollow:
        """
        The new records of all accounts, each once, in the order of time, without an end; see ``Stream.follow``.

        A stream that fails does not stop the others: it is tried again after 5 seconds, then after twice as long each
        time, up to 5 minutes.  Where credentials are refused it is not; nor where the service has refused the request
        from the beginning.

        Args:
            accounts: Only these accounts; default: all.
            streams: Only these streams; see ``records``.
            filters: Values by the filter's name in Python or on the wire, as text.
            since: Begin; default: now, and then records that exist already are left out.
            page_size: Items per page.
            resume: Checkpoints, by account, then by stream, as ``FerryFollow.checkpoints`` gives them.
            shortest: Seconds between two polls of a stream while something comes.
            longest: Seconds between two polls at most.
            reordering: Seconds for which a record waits, after its time, for older ones of other streams.
            on_failure: Receives each failure, on the event loop's thread; default: a warning of the logger
                ``logferry``.

        Raises:
            InvalidRequestError: The call cannot be right; nothing was sent.
            CheckpointError: A checkpoint is not one of this stream's follow.
            ConfigurationError: No account has a stream that is named.
        """
        options: WindowOptions = {"since": since, "page_size": page_size}
        views, skipped, unopened = self._clients.views(streams, accounts, filters, resume, options)
        followed = {name: view.follow(shortest=shortest, longest=longest) for name, view in views.items()}
        return FerryFollow(self._tasks, followed, skipped, unopened, self._clock, reordering, on_failure)

    def sync(
        self,
        store: Store | str | os.PathLike[str],
        *,
        accounts: str | Sequence[str] = (),
        streams: str | Sequence[str] = (),
        filters: Mapping[str, str | Mapping[str, str]] | None = None,
        since: Time | None = None,
        until: Time | None = None,
        first_since: Time | None = None,
        raw: bool = False,
        commit_every: float = 2.0,
        told: Told | None = None,
    ) -> Sync:
        """
        Bring into a store what it does not have yet: ``run()`` it in a ``with`` block, ``arun()`` it in ``async with``.

        Args:
            store: Where to; a text or a path is taken as `logferry.stores.open_store` takes it.
            accounts: Only these accounts; default: all.
            streams: Only these streams; default: all.  Logs of calls are asked for session by session, and the times
                below are those at which a session began.
            filters: Values by the filter's name in Python or on the wire, as text.  What is complete is kept by filters:
                another filter is another question.
            since: How far back to go at least; gaps in what the store has are filled in any case.  Default: where the
                store begins.
            until: Up to where; default: now.
            first_since: How far back to go for a stream of which the store has nothing, where `since` does not say;
                default: all that the service has.
            raw: Keep the items as received, too, which may hold secrets.
            commit_every: How long what has been read waits to be committed at most, in seconds.
            told: Receives the progress of each stream, on the event loop's thread.

        Raises:
            InvalidRequestError: The call cannot be right; nothing was sent.
            ConfigurationError: No account has a stream that is named, or the text names no store.
            MissingPackageError: A package is missing that an extra brings.
        """
        from logferry.stores._opening import open_store  # noqa: PLC0415

        # First, since the store knows which extra brings all that it needs.
        to = open_store(store) if isinstance(store, str | os.PathLike) else store
        with needing("sync"):
            from logferry.sync._order import Order  # noqa: PLC0415  # brings along Arrow, as the next does
            from logferry.sync._sync import Lane, Sync  # noqa: PLC0415

        given = Filters.of(filters)
        asked = window(since, until, now=self._clock.now())
        clients, _, failures = self._clients.selected(streams, accounts, given, sessions=True)
        lanes: dict[str, Lane] = {}
        for job, client in clients:
            spellings = job.spellings(sessions=True)
            own = {spellings.get(name, name): value for name, value in given.of_stream(job.stream.name).items()}
            lane = lanes.setdefault(client.account, Lane(client=client, streams=[], retention=job.account.retention))
            lanes[client.account] = lane.with_stream(job.stream, own)
        return Sync(
            store=to,
            lanes=tuple(lanes.values()),
            order=Order(
                since=asked.since,
                first=0 if first_since is None else moment(first_since, now=self._clock.now(), name="first_since"),
                until=None if until is None else asked.until,
                raw=raw,
                config=self._config,
                commit_every=commit_every,
                told=told,
            ),
            clock=self._clock,
            blocking=self._tasks.call,
            unopened={error.account or "": error for error in failures},
        )

    def __enter__(self) -> Self:
        if self._tasks.is_inherited:
            keep(self._stack)
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(portal.wrap_async_context_manager(self._tasks))
            self._tasks.portal, self._stack = portal, stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._tasks.is_inherited:  # a child process leaves the block of its parent, who is not done
            keep(self._tasks.portal, self._stack)
            return
        self._tasks.portal = None
        self._stack.close()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._tasks.__aexit__(*exc_info)

    def __repr__(self) -> str:
        return f"<Ferry {', '.join(self.accounts)}>"


def open_accounts(config: str | PurePath | None = None, **options: Unpack[ClientOptions]) -> Ferry:
    """
    Open every account of the configuration; use it in a ``with`` or ``async with`` block.

    Args:
        config: The configuration file.  Default: the one that ``LOGFERRY_CONFIG`` names, else ``logferry.toml`` in the
            working directory, else in the user's configuration folder; without any, each service whose environment
            variables are set is an account named after it.
        options: What every client takes, ``account`` excepted.  A ``transport`` must be asynchronous, also for ``for``.

    Raises:
        ConfigurationError: There is no account, or the file cannot be used.  An account whose settings are wrong
            raises when it is needed.
    """
    hide_secrets(options)
    return Ferry(selected_accounts(config=config), options, config=None if config is None else os.fspath(config))
