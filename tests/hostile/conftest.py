"""Shared parts of the tests of misbehaving services: every stream, on a history that each test builds from rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any, Final, TypeAlias

import pytest
from attrs import evolve, frozen

import logferry
from logferry._accounts.registry import SERVICES, Service
from logferry._client import Client
from logferry.hooks import RequestEvent
from logferry.testing import Fake, FakeRequest, Faults, InProcessTransport, Outcome, Row, VirtualClock, connected
from logferry.testing._registry import make_fake

Walk: TypeAlias = Callable[[Any], Iterator[Any]]

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000
EPOCH: Final = 1_767_225_600 * SECOND
"""The time at which tests begin: 2026-01-01."""

NEVER: Final = 2 * EPOCH


@frozen
class Pull:
    """
    An opened stream.

    Attributes:
        client: The client of the stream.
        stream: The stream.
        transport: Records the requests.
        clock: The clock of client and service.
    """

    client: Client
    stream: logferry.Stream[Any]
    transport: InProcessTransport
    clock: VirtualClock

    @property
    def asked(self) -> list[FakeRequest]:
        """Requests for logs, without those for tokens."""
        return [request for request in self.transport.requests if request.method == "GET"]


@frozen
class Subject:
    """
    A stream.

    Attributes:
        service: The service of the stream.
        name: The name of the stream.
    """

    service: Service
    name: str

    @property
    def definition(self) -> Any:
        """The definition of the stream in its client."""
        return next(one for one in self.service.streams if one.name == self.name)

    def question(self, fake: Fake) -> dict[str, str]:
        """Return the filters that match all rows of these tests."""
        return dict(fake.questions(self.name)[0])

    def fake(self, rows: Iterable[Row], **settings: Any) -> Any:
        """Return a fake that has these rows."""
        fake: Any = make_fake(self.service, records=0, epoch=EPOCH)
        return evolve(fake, rows=tuple(rows), **settings)

    def spread(self, count: int, *, step: int = SECOND, end: int = EPOCH) -> list[Row]:
        """Return this many rows, all different, oldest first; the last one lies a step before the end."""
        contents = _contents(self)
        return [
            Row(time=end - (count - number) * step, content=contents[number % len(contents)]) for number in range(count)
        ]

    def open(
        self,
        fake: Any,
        *,
        faults: Faults | None = None,
        clock: VirtualClock | None = None,
        page_size: int = 3,
        options: dict[str, Any] | None = None,
        **asked: Any,
    ) -> Pull:
        """Open the stream; `options` go to the client, `asked` to the stream."""
        clock = clock or VirtualClock(EPOCH + MILLISECOND)
        transport = InProcessTransport(fake, clock=clock, faults=None if faults is None else partial(_of_logs, faults))
        given: dict[str, Any] = {**(options or {}), "transport": transport, "clock": clock}
        client = connected(self.service.client, fake, **given)
        filters = {} if "resume" in asked else self.question(fake)
        stream = client.stream(self.name, filters=filters, page_size=page_size, **asked)
        return Pull(client, stream, transport, clock)

    def came(self, fake: Fake, items: Iterable[Any]) -> Counter[str]:
        """Count the received items by the identities that the fake knows."""
        return Counter(fake.identity(self.name, item) for item in items)

    def has(
        self,
        fake: Any,
        which: Callable[[Row], bool] = lambda _row: True,
        *,
        since: int | None = None,
        until: int | None = None,
    ) -> Counter[str]:
        """Count the identities of the rows within a window, present or removed."""
        rows = [evolve(row, vanishes=None, appears=row.appears if which(row) else NEVER) for row in fake.rows]
        told: Any = evolve(fake, rows=tuple(rows))
        return Counter(told.truth(self.name, since, until, now=NEVER - 1, **self.question(fake)))


def _of_logs(faults: Faults, request: FakeRequest, number: int) -> Outcome | None:
    return faults(request, number) if request.method == "GET" else None


def lapse(clock: VirtualClock, seconds: float) -> dict[str, Any]:
    """Return client options with which this time passes before each request."""

    def pass_time(_event: RequestEvent) -> None:
        clock.advance(seconds)

    return {"on_request": pass_time}


@cache
def _contents(subject: Subject) -> Sequence[int]:
    """Return row contents that the filters of the tests match."""
    found = [content for content in range(60) if subject.has(subject.fake([Row(time=EPOCH, content=content)]))]
    assert len(found) > 10
    return found


SUBJECTS: Final = {stream.name: Subject(service, stream.name) for service in SERVICES for stream in service.streams}
"""Every stream, by its name."""


@pytest.fixture(params=sorted(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    """Return each stream."""
    return SUBJECTS[request.param]
