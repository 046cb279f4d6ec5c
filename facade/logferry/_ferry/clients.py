"""The clients of a configuration's accounts, and which of their streams a call is about."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from logferry._accounts.accounts import Account
from logferry._accounts.registry import failures as package_failures
from logferry._accounts.selection import (
    Filters,
    Job,
    LeftOut,
    Skipped,
    askable_jobs,
    named_accounts,
    names_of,
    selected_jobs,
)
from logferry._client import Client
from logferry._config.arguments import ClientOptions
from logferry._errors import ConfigurationError, LogferryError

_LOGGER: Final = logging.getLogger("logferry")


@define
class Clients:
    """The clients of accounts, in the order of the configuration; each is opened when it is first needed."""

    accounts: tuple[Account, ...]
    options: ClientOptions
    by_account: dict[str, Client] = field(factory=dict[str, Client])
    _logged: set[str] = field(factory=set[str])

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
            self._log_once(str(error), logging.WARNING)
        others: list[LeftOut] = []
        if not named:
            jobs, others = askable_jobs(jobs, filters.common, own=filters.own, sessions=sessions)
        for one in others:
            self._log_once(f"left out: {one.job.label} {one.reason}", logging.INFO)
        skipped = (
            Skipped(account=one.job.account.name, stream=one.job.stream.name, reason=one.reason) for one in others
        )
        clients, failures = self._open(jobs)
        return clients, tuple(skipped), failures

    def _log_once(self, text: str, level: int) -> None:
        if text not in self._logged:
            self._logged.add(text)
            _LOGGER.log(level, "%s", text)

    def _open(self, jobs: Sequence[Job]) -> tuple[list[tuple[Job, Client]], tuple[LogferryError, ...]]:
        """The streams of the accounts that can be opened, and the errors of the others."""
        clients: list[tuple[Job, Client]] = []
        failures: dict[str, LogferryError] = {}
        for job in jobs:
            if job.account.name not in failures:
                try:
                    clients.append((job, self.client(job.account.name)))
                except ConfigurationError as error:
                    failures[job.account.name] = error
        return clients, tuple(failures.values())
