"""
Slices: pieces of one account's stream, each readable on its own.

A slice is plain data: it can be pickled, sent to another machine, and read there as Arrow record batches.  Equal slices
return equal records while the service keeps them, so a failed slice can be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from logferry._accounts.accounts import find_accounts
from logferry._accounts.selection import named_accounts
from logferry._json import dumps
from logferry._time.timestamps import rfc3339
from logferry.stores._schema import record_batch
from logferry.stores._store import Question

if TYPE_CHECKING:
    import pyarrow as pa

    from logferry._client import Client
    from logferry._config.arguments import StreamOptions
    from logferry._records.record import LogRecord
    from logferry._streams.views import Stream, View


@frozen(kw_only=True)
class Slice:
    """
    A piece of one stream of one account.

    Attributes:
        account: The account's name.
        stream: The stream's name, such as ``"logto.audit_logs"``.
        filters: Values by the filter's name in Python, as text.
        since: First nanosecond of the window, since the epoch, UTC.
        until: First nanosecond after it.
        read_until: End of the records to read: later than ``until`` if the window ends at the present, so that records
            dated in the future are read too.
        checkpoint: Where an interrupted walk continues; ``None`` for the start.
        config: The configuration file that describes the account; ``None`` for the default one, or the environment.
    """

    account: str
    stream: str
    filters: Mapping[str, str] = field(factory=dict[str, str])
    since: int
    until: int
    read_until: int
    checkpoint: str | None = field(default=None, repr=False)
    config: str | None = None

    @property
    def question(self) -> Question:
        """The query that it is a piece of."""
        return Question.of(self.account, self.stream, self.filters)

    @property
    def name(self) -> str:
        """A unique name of letters, digits and dashes, the same on every run."""
        told = dumps([self.account, self.stream, self.question.filters, self.since, self.until])
        return f"{self.stream.replace('.', '-')}-{hashlib.blake2b(told, digest_size=8).hexdigest()}"

    def records(self, client: Client) -> View[LogRecord]:
        """The records of the slice, read by a client of its account."""
        # Slices run concurrently, so each requests its pages one after the other.
        one_by_one = client.with_options(concurrency=1)
        stream: Stream[Any] = one_by_one.stream(self.stream, filters=self.filters, **self._options())
        return stream.records()

    def _options(self) -> StreamOptions:
        if self.checkpoint is not None:
            return {"resume": self.checkpoint}
        return {"since": rfc3339(self.since) if self.since else None, "until": rfc3339(self.read_until)}

    def read(self, *, raw: bool = False) -> Iterator[pa.RecordBatch]:
        """
        Its records as Arrow batches of `logferry.stores.SCHEMA`, blocking; opens and closes the account.

        Args:
            raw: Add the items as received, which may hold secrets.
        """
        with self._open() as client:
            for page in self.records(client).pages():
                yield record_batch(page.items, raw=raw)

    def _open(self) -> Client:
        (account,) = named_accounts([self.account], find_accounts(self.config))
        return account.open()
