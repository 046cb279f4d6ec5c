"""Pulls all streams of several services at once, counts the records, and compares them with those of the fakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Protocol

import anyio
from attrs import define, field, frozen

from logferry._config.settings import Settings
from logferry._errors import LogferryError
from logferry.testing import Comparison
from logferry.testing._registry import settings_for

if TYPE_CHECKING:
    from logferry._accounts.registry import Service
    from logferry._client import Client
    from logferry._config.hooks import PageEvent, RetryEvent
    from logferry._records.record import LogRecord
    from logferry.testing import Fake

_SAMPLES: Final = 3


@frozen
class Source:
    """
    A service to pull from.

    Attributes:
        service: The service.
        fake: Its fake, which knows the records.
        url: The address at which the fake is served.
    """

    service: Service
    fake: Fake
    url: str


@define
class Tally:
    """
    What has arrived of a stream; only a few records are kept, as samples.

    Attributes:
        stream: The stream's name.
        comparison: Compares the records with those of the fake.
        pages: How many pages have arrived.
        retries: How many requests were sent again.
        first: Time of the oldest record, in nanoseconds since the epoch, UTC; 0 before there is one.
        last: Time of the newest.
        severities: How many records of each severity number.
        samples: The first records of a few severities.
        waits: The reason for the current wait, in a few words; empty without one.
        failure: The error that ended the pull; empty without one.
    """

    stream: str
    comparison: Comparison
    pages: int = 0
    retries: int = 0
    first: int = 0
    last: int = 0
    severities: Counter[int] = field(factory=Counter[int])
    samples: list[LogRecord] = field(factory=list["LogRecord"])
    waits: str = ""
    failure: str = ""

    def add(self, record: LogRecord, identity: str) -> None:
        """Count a record."""
        time, severity = record.time_unix_nano, record.severity_number
        self.comparison.add(identity)
        self.first = min(self.first or time, time)
        self.last = max(self.last, time)
        if severity not in self.severities and len(self.samples) < _SAMPLES:
            self.samples.append(record)
        self.severities[severity] += 1


class Watcher(Protocol):
    """Shows the progress of a pull."""

    def begin(self, tallies: Sequence[Tally]) -> None:
        """Take the tallies, which change from now on."""
        ...

    def changed(self, tally: Tally) -> None:
        """Note that a page has arrived or a request has failed."""
        ...


async def pull_all(sources: Sequence[Source], watcher: Watcher) -> list[Tally]:
    """Pull all streams of all sources at once; an error ends its stream and is kept in the tally."""
    tallies: dict[str, Tally] = {
        stream: Tally(stream, Comparison.of(source.fake, stream))
        for source in sources
        for stream in source.fake.streams
    }
    watcher.begin(list(tallies.values()))

    def on_page(event: PageEvent) -> None:
        tally = tallies[event.stream]
        tally.pages, tally.waits = tally.pages + 1, ""
        watcher.changed(tally)

    def on_retry(event: RetryEvent) -> None:
        tally = tallies[event.stream]
        tally.retries, tally.waits = tally.retries + 1, f"{event.reason}, again in {event.delay:.1f} s"
        watcher.changed(tally)

    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        for source in sources:
            # The user's accounts are not used; connections to this machine use neither proxies nor certificates.
            settings = Settings(
                service=source.service.name,
                given=settings_for(source.fake, source.url),
                source="the demo",
            )
            client = source.service.client.from_settings(settings, on_page=on_page, on_retry=on_retry)
            await stack.enter_async_context(client)
            for stream in source.fake.streams:
                tasks.start_soon(_pull, client, source.fake, tallies[stream])
    return list(tallies.values())


async def _pull(client: Client, fake: Fake, tally: Tally) -> None:
    identity: Callable[[str, object], str] = fake.identity
    try:
        for filters in fake.questions(tally.stream):
            async for record in client.stream(tally.stream, filters=filters).records():
                tally.add(record, identity(tally.stream, record.raw))
    except LogferryError as error:
        tally.failure = str(error)
