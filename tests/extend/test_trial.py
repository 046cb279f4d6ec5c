"""An external service passes the trial suite of logferry's own services."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Unpack
from urllib.parse import parse_qs

import attrs
import orjson
import pytest
from tests.extend.acorn import EVENTS, Acorn, Event, EventFilters

from logferry.extend import MILLISECOND, Stream, StreamDefinition, StreamOptions, Streams
from logferry.testing import FakeRequest, FakeResponse, Row
from logferry.testing.conformance import Trial

LARGEST: Final = 20


@attrs.frozen(kw_only=True)
class ScriptedAcorn:
    """Acorn with a scripted history; a cursor has the time and id of an event, so it stays valid as others come and go."""

    rows: tuple[Row, ...]
    epoch: int
    settings: Mapping[str, str] = attrs.field(factory=lambda: {"api_key": "acorn-key-0123456789"})
    streams: tuple[str, ...] = ("acorn.events",)

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: random.Random) -> ScriptedAcorn:  # noqa: ARG003  # Acorn has no variants
        """Return the fake."""
        return cls(rows=rows, epoch=epoch)

    def events(self, now: int) -> list[tuple[int, str, str]]:
        """Return time in milliseconds, id and kind of each event listed at *now*, newest first."""
        found = [
            (row.time // MILLISECOND, f"e{place:04}", ("created", "deleted")[row.content % 2])
            for place, row in enumerate(self.rows)
            if row.is_visible(now)
        ]
        return sorted(found, reverse=True)

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Return a page, or the refusal of one that is too large."""
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        if int(query["size"]) > LARGEST:
            return FakeResponse(400, (), b'{"code":"size","message":"too large"}')
        at, _, name = query.get("cursor", "").partition(" ")
        found = [
            one
            for one in self.events(now)
            if int(query.get("since", 0)) <= one[0] < int(query["until"])
            and query.get("kind", one[2]) == one[2]
            and (not at or one[:2] < (int(at), name))
        ]
        page = found[: int(query["size"])]
        cursor = f"{page[-1][0]} {page[-1][1]}" if len(found) > len(page) else None
        events = [{"id": name, "at": at, "text": name, "kind": kind} for at, name, kind in page]
        return FakeResponse(200, (), orjson.dumps({"events": events, "next": cursor}))

    def violations(self, request: FakeRequest) -> list[str]:  # noqa: ARG002  # a fake is asked so
        """Return no violations, since there is no spec."""
        return []

    def truth(
        self,
        stream: str,  # noqa: ARG002  # there is one
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *_: Any,
        **filters: Any,
    ) -> Sequence[str]:
        """Return the ids of the events in a window."""
        return [
            name
            for at, name, kind in self.events(self.epoch if now is None else now)
            if (since is None or at * MILLISECOND >= since)
            and (until is None or at * MILLISECOND < until)
            and filters.get("kind", kind) == kind
        ]

    def identity(self, stream: str, item: Any) -> str:  # noqa: ARG002  # a fake is asked so
        """Return the id of an event."""
        return str(item["id"])

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:  # noqa: ARG002  # a fake is asked so
        """Return one query, for all events."""
        return ({},)


SMALL: Final[StreamDefinition[Event, Event, EventFilters]] = attrs.evolve(
    EVENTS, page_size=LARGEST, largest_page_size=LARGEST
)


class SmallAcorn(Acorn):
    """An Acorn with small pages only."""

    streams: ClassVar[Streams] = Streams(SMALL)

    def events(self, *, kind: str | None = None, **options: Unpack[StreamOptions]) -> Stream[Event]:
        """The events of the account, newest first."""
        return self._open(SMALL, EventFilters(kind=kind), options)


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_trials_respect_the_largest_page_of_a_service(sync: bool) -> None:
    """A seed with a larger page size requests the largest page of the service."""
    outcomes = [Trial(SmallAcorn, ScriptedAcorn.of_rows, "acorn.events", seed, sync).run() for seed in range(20)]
    for outcome in outcomes:
        outcome.check()
    assert sum(outcome.records for outcome in outcomes) > 100


def test_trials_over_a_real_server_take_a_service_that_logferry_does_not_know() -> None:
    """The client says which of its settings is the address of the server."""
    outcomes = [
        Trial(SmallAcorn, ScriptedAcorn.of_rows, "acorn.events", seed, loopback=True).run() for seed in (6, 7, 8)
    ]
    for outcome in outcomes:
        outcome.check()
    assert any(outcome.records for outcome in outcomes)
