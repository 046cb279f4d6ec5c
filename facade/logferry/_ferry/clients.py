"""The clients of a configuration's accounts, and which of their streams a call is about."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import define, field

from logferry._accounts.accounts import Account
from logferry._accounts.registry import failures as package_failures
from logferry._accounts.selection import (
    Filters,
    Job,
    Skipped,
    askable_jobs,
    named_accounts,
    names_of,
    selected_jobs,
)
from logferry._client import Client
from logferry._config.arguments import ClientOptions, StreamOptions, WindowOptions
from logferry._errors import ConfigurationError, LogferryError
from logferry._records.record import LogRecord
from logferry._streams.views import View

_LOGGER: Final = logging.getLogger("logferry")


@define
class Clients:
    """The clients of accounts, in the order of the configuration; each is opened when it is first needed."""

    accounts: tuple[Account, ...]
    options: ClientOptions
    by_account: dict[str, Client] = field(factory=dict[str, Client])
    _logged: set[Skipped | LogferryError] = field(factory=set["Skipped | LogferryError"])

    def client(self, account: str) -> Client:
        """The client of an account; an unknown name is an InvalidRequestError, wrong settings are a ConfigurationError."""
        (described,) = named_accounts([account], self.accounts)
        if account not in self.by_account:
            self.by_account[account] = described.open(**self.options)
        return self.by_account[account]

    def selected(
        self,
        streams: str | Sequence[str],
        accounts: str | Sequence[str],
        filters: Filters,
        *,
        sessions: bool = False,
    ) -> tuple[list[tuple[Job, Client]], tuple[Skipped, ...], tuple[LogferryError, ...]]:
        """
        The streams that a call selects, with their clients; streams that lack a filter; accounts that cannot be opened.

        Without names, all streams and all accounts are meant; with *sessions*, streams of single sessions need no filter.
        """
        named = names_of(streams)
        jobs = selected_jobs(named, self.accounts, names_of(accounts))
        filters.require_among(jobs)
        for error in package_failures():
            if error not in self._logged:
                self._logged.add(error)
                _LOGGER.warning("%s", error)
        skipped: list[Skipped] = []
        if not named:
            jobs, skipped = askable_jobs(jobs, filters.common, own=filters.own, sessions=sessions)
        for one in skipped:
            if one not in self._logged:
                self._logged.add(one)
                _LOGGER.info("left out: %s %s", one.label, one.reason)
        clients: list[tuple[Job, Client]] = []
        failures: dict[str, LogferryError] = {}
        for job in jobs:
            if job.account.name not in failures:
                try:
                    clients.append((job, self.client(job.account.name)))
                except ConfigurationError as error:
                    failures[job.account.name] = error
        return clients, tuple(skipped), tuple(failures.values())

    def views(
        self,
        streams: str | Sequence[str],
        accounts: str | Sequence[str],
        filters: Mapping[str, str | Mapping[str, str]] | None,
        resume: Mapping[str, Mapping[str, str]] | None,
        options: WindowOptions,
    ) -> tuple[dict[tuple[str, str], View[LogRecord]], tuple[Skipped, ...], tuple[LogferryError, ...]]:
        """The records of the selected streams, by names of account and stream; *resume* gives checkpoints, whose times count."""
        given = Filters.of(filters)
        clients, skipped, failures = self.selected(streams, accounts, given)
        views: dict[tuple[str, str], View[LogRecord]] = {}
        for job, client in clients:
            name = job.account.name, job.stream.name
            checkpoint = (resume or {}).get(name[0], {}).get(name[1])
            times: WindowOptions = {} if checkpoint is None else {"since": None, "until": None}
            call: StreamOptions = {**options, **times, "resume": checkpoint}
            views[name] = client.stream(name[1], filters=given.of_stream(name[1]), **call).records()
        return views, skipped, failures
