"""The stream of video logs, end to end: sync and async, in process and over the loopback server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
import orjson
import pytest

import logferry
from logferry.services.signalwire._streams import VIDEO_LOGS
from logferry.testing import (
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    Recorder,
    SignalWireFake,
    VirtualClock,
    failing,
    serve,
)
from logferry_clients.signalwire.models import DiscardedLog, VideoLog

LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""A time after all logs of a fake."""

RECORDS: Final = 417
LISTED: Final = 385
"""The number of logs that are not deleted."""


def rewritten(
    fake: SignalWireFake, change: Callable[[dict[str, Any], int], object]
) -> Callable[[FakeRequest, int], FakeResponse | None]:
    """Return faults that change each answer's body, given the number of the request from 1."""

    def fault(request: FakeRequest, number: int) -> FakeResponse:
        answer = fake.answer(request, fake.epoch)
        body = orjson.loads(answer.body)
        if answer.status == HTTPStatus.OK:
            change(body, number)
        return FakeResponse(answer.status, (("Content-Type", "application/json"),), orjson.dumps(body))

    return fault


@contextmanager
def in_process(fake: SignalWireFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* in process."""
    yield {"space": fake.space, "transport": InProcessTransport(fake, faults=faults), **credentials(fake)}


@contextmanager
def on_loopback(fake: SignalWireFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* over the loopback server."""
    with serve(Recorder(fake, faults=faults)) as url:
        yield {"base_url": url, **credentials(fake)}


def credentials(fake: SignalWireFake) -> dict[str, Any]:
    return {"project_id": fake.project_id, "api_token": fake.api_token}


def collected(
    arguments: dict[str, Any], views: Callable[[logferry.SignalWire], list[Any]], *, sync: bool
) -> list[list[Any]]:
    """Return all items of some views of a client's streams, sync or async."""
    if sync:
        with logferry.SignalWire(**arguments) as client:
            return [list(view) for view in views(client)]

    async def collect() -> list[list[Any]]:
        async with logferry.SignalWire(**arguments) as client:
            return [[item async for item in view] for view in views(client)]

    return anyio.run(collect)


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@pytest.mark.parametrize("scheme", ["https", "http", None], ids=["https", "http", "relative"])
def test_every_view_yields_each_log_once(adapter: Any, sync: bool, scheme: str | None) -> None:
    """Entries, records, raw items and pages have every log once, in the service's order, with every form of links."""
    fake = SignalWireFake(records=RECORDS, link_scheme=scheme)
    truth = list(fake.truth())

    def views(client: logferry.SignalWire) -> list[Any]:
        stream = client.video_logs(until=LATER, page_size=100)
        return [stream, stream.records(), stream.raw(), stream.pages()]

    with adapter(fake) as arguments:
        entries, records, items, pages = collected(arguments, views, sync=sync)
    assert [entry.id for entry in entries] == truth
    assert [record.uid for record in records] == [f"signalwire:{fake.project_id}:{one}" for one in truth]
    assert [item["id"] for item in items] == truth
    assert [entry.id for page in pages for entry in page.items] == truth
    assert [len(page.items) for page in pages] == [100, 100, 100, 85]
    assert {page.total for page in pages} == {None}
    assert all(page.request_id for page in pages)


def test_the_default_page_size_is_the_largest() -> None:
    """Without a page size, one request gets the thousand logs that the service allows."""
    fake = SignalWireFake(records=RECORDS)
    transport = InProcessTransport(fake)
    with logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client:
        assert len(client.video_logs(until=LATER).to_list()) == LISTED
    assert transport.count == 1


def test_deleted_logs_are_entries_of_their_own() -> None:
    """With deleted logs included, all logs of the service come, each as the model of its kind."""
    fake = SignalWireFake(records=RECORDS)
    with in_process(fake) as arguments, logferry.SignalWire(**arguments) as client:
        entries = client.video_logs(include_deleted=True, until=LATER, page_size=70).to_list()
        by_name = client.stream("signalwire.video_logs", filters={"include_deleted": "TRUE"}, until=LATER).to_list()
        with pytest.raises(logferry.InvalidRequestError, match="true or false"):
            client.stream("signalwire.video_logs", filters={"include_deleted": "yes"})
    assert [entry.id for entry in entries] == list(fake.truth(include_deleted=True))
    assert [type(entry) for entry in entries].count(DiscardedLog) == RECORDS - LISTED
    assert {type(entry) for entry in entries} == {DiscardedLog, VideoLog}
    assert by_name == entries


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_the_iterator_continues_after_an_error_on_page_3(adapter: Any, sync: bool) -> None:
    """The error is raised after pages 1 and 2; the next call continues with page 3, and no log is lost or repeated."""
    fake = SignalWireFake(records=RECORDS)
    before: list[str] = []
    after: list[str] = []

    def drain(arguments: dict[str, Any]) -> logferry.LogferryError:
        with logferry.SignalWire(retries=0, **arguments) as client:
            iterator = iter(client.video_logs(until=LATER, page_size=100))
            with pytest.raises(logferry.ServiceError) as caught:
                before.extend(entry.id for entry in iterator)
            after.extend(entry.id for entry in iterator)
        return caught.value

    async def extend(ids: list[str], iterator: AsyncIterator[VideoLog | DiscardedLog]) -> None:
        async for entry in iterator:
            ids.append(entry.id)  # noqa: PERF401  # items before an error are kept

    async def adrain(arguments: dict[str, Any]) -> logferry.LogferryError:
        async with logferry.SignalWire(retries=0, **arguments) as client:
            iterator = aiter(client.video_logs(until=LATER, page_size=100))
            with pytest.raises(logferry.ServiceError) as caught:
                await extend(before, iterator)
            await extend(after, iterator)
        return caught.value

    with adapter(fake, failing(FakeResponse(503), at=[3])) as arguments:
        error = drain(arguments) if sync else anyio.run(adrain, arguments)
    assert (len(before), len(after)) == (200, LISTED - 200)
    assert before + after == list(fake.truth())
    assert (error.status, error.stream, error.attempts) == (503, "signalwire.video_logs", 1)


RESUME = """
import sys
import logferry
with logferry.SignalWire.from_env() as client:
    for entry in client.video_logs(page_size=100, resume=sys.stdin.read()):
        print(entry.id)
"""


@pytest.mark.parametrize("delivered", [0, 1, 100, 250, 385])
def test_a_checkpoint_resumes_in_another_process(delivered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The logs of a stream and those that another process reads from its checkpoint are together all logs."""
    fake = SignalWireFake(records=RECORDS)
    with serve(fake) as url:
        variables = {"BASE_URL": url, "PROJECT_ID": fake.project_id, "API_TOKEN": fake.api_token}
        for name, value in variables.items():
            monkeypatch.setenv(f"SIGNALWIRE_{name}", value)
        with logferry.SignalWire.from_env() as client:
            stream = client.video_logs(until=LATER, page_size=100)
            first = [entry.id for entry in stream.to_list(delivered)]
            checkpoint = stream.checkpoint
        assert fake.api_token not in checkpoint
        result = subprocess.run(
            [sys.executable, "-c", RESUME], input=checkpoint, capture_output=True, text=True, check=True
        )
    assert first + result.stdout.split() == list(fake.truth())


def test_a_checkpoint_stays_small() -> None:
    """A checkpoint within the second page of the largest size still fits into a command-line argument."""
    fake = SignalWireFake(records=3000)
    with in_process(fake) as arguments, logferry.SignalWire(**arguments) as client:
        stream = client.video_logs(until=LATER)
        stream.to_list(1999)
        assert len(stream.checkpoint) < 64 * 1024


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("oldest_first", [True, False])
@pytest.mark.parametrize("spacing", [0.3, 1.0, 60.0])
def test_the_window_is_half_open_with_any_bounds_of_the_server(
    inclusive: bool, oldest_first: bool, spacing: float
) -> None:
    """Inclusive and exclusive bounds, either order and shared seconds give the same half-open window."""
    fake = SignalWireFake(
        records=RECORDS, inclusive_bounds=inclusive, oldest_first=oldest_first, spacing=spacing, growing=False
    )
    step = round(spacing * 1e9)
    with in_process(fake) as arguments, logferry.SignalWire(**arguments) as client:
        for since, until in (
            (fake.epoch - 300 * step, fake.epoch - 100 * step),
            (fake.epoch - 90 * step + 1, fake.epoch),
        ):
            stream = client.video_logs(since=moment(since), until=moment(until), page_size=50)
            got = [entry.id for entry in stream]
            first, end = (nanoseconds - nanoseconds % 1000 for nanoseconds in (since, until))
            assert got == list(fake.truth(since=first, until=end))
            assert len(got) >= 75


def moment(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def test_logs_that_arrive_while_paging_do_not_shift_pages() -> None:
    """The window ends at the time of the first request."""
    fake = SignalWireFake(records=RECORDS, spacing=1.0)
    clock = VirtualClock(fake.epoch + 1_000_000_000)
    transport = InProcessTransport(fake, clock=clock.now)
    with logferry.SignalWire(
        space=fake.space,
        transport=transport,
        clock=clock,
        on_request=lambda _event: clock.advance(37),
        **credentials(fake),
    ) as client:
        got = [entry.id for entry in client.video_logs(page_size=50)]
    assert got == list(fake.truth(now=fake.epoch))


def test_a_session_read_again_keeps_its_uid() -> None:
    """A session in progress is completed later, under the same uid."""
    fake = SignalWireFake(records=3)
    records: list[list[logferry.LogRecord]] = []
    for hours in (0, 3):
        clock = VirtualClock(fake.epoch)
        clock.advance(hours * 3600)
        transport = InProcessTransport(fake, clock=clock.now)
        with logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client:
            records.append(list(client.video_logs(until="2026-01-01T00:00:01Z").records()))
    assert [record.uid for record in records[0]] == [record.uid for record in records[1]]
    assert [one[0].attributes["signalwire.status"] for one in records] == ["in-progress", "completed"]


def test_requests_conform_to_the_spec() -> None:
    """All requests of a pull conform to the spec, and each page is requested at the account's own address."""
    fake = SignalWireFake(records=RECORDS)
    transport = InProcessTransport(fake)
    with logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client:
        list(client.video_logs(since="2025-01-01", until=LATER, include_deleted=True, page_size=100))
    assert list(transport.violations) == []
    assert transport.count == 5
    queries = [parse_qs(urlsplit(request.target).query) for request in transport.requests]
    assert {request.path for request in transport.requests} == {"/api/video/logs"}
    assert [query.get("page_number", ["-"]) for query in queries] == [["-"], ["1"], ["2"], ["3"], ["4"]]
    # One more second on each side, since the documentation does not say whether the bounds are inclusive.
    assert {query["created_after"][0] for query in queries} == {"2024-12-31T23:59:59Z"}
    assert {query["created_before"][0] for query in queries} == {"2027-01-01T00:00:01Z"}


def test_an_empty_page_with_a_next_link_is_not_the_end() -> None:
    """A page that is empty twice in place of its logs loses only these logs."""
    fake = SignalWireFake(records=RECORDS)

    def empty(body: dict[str, Any], number: int) -> None:
        if number in {2, 3}:
            body["data"] = []

    with (
        in_process(fake, rewritten(fake, empty)) as arguments,
        logferry.SignalWire(**arguments) as client,
    ):
        got = [entry.id for entry in client.video_logs(until=LATER, page_size=100)]
    truth = list(fake.truth())
    assert got == truth[:100] + truth[200:]


def test_overlapping_pages_yield_each_log_once() -> None:
    """A page that starts with the end of the previous one, or repeats a log, yields only new logs, also if resumed."""
    fake = SignalWireFake(records=RECORDS)
    truth = list(fake.truth())
    kept: list[Any] = []

    def overlap(body: dict[str, Any], _number: int) -> None:
        kept.append(list(body["data"]))
        body["data"] = [*(kept[-2][-30:] if len(kept) > 1 else []), *body["data"], *body["data"][:3]]

    with in_process(fake, rewritten(fake, overlap)) as arguments, logferry.SignalWire(**arguments) as client:
        stream = client.video_logs(until=LATER, page_size=100)
        assert [entry.id for entry in stream] == truth
        del kept[:]
        head = [entry.id for entry in stream.to_list(150)]
        del kept[1:]
        tail = [entry.id for entry in client.video_logs(page_size=100, resume=stream.checkpoint)]
    assert head + tail == truth


def elsewhere(link: str) -> Callable[[dict[str, Any], int], None]:
    """Return changes of an answer: the next link of the second page becomes *link*."""

    def change(body: dict[str, Any], number: int) -> None:
        if number == 2:
            body["links"]["next"] = link

    return change


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://evil.example/api/video/logs?page_number=2", "no page_token"),
        ("/api/video/rooms?page=3", "no page_token"),
        ("/api/video/logs?page_number=2", "no page_token"),
        ("/api/video/logs?page_number=1&page_token=t", "does not advance"),
        (["not", "a", "link"], "no address"),
    ],
)
def test_a_link_that_cannot_be_followed_is_an_error_that_resumes(link: Any, words: str) -> None:
    """The page is delivered before the error; no request leaves the address; the checkpoint yields the rest later."""
    fake = SignalWireFake(records=RECORDS)
    transport = InProcessTransport(fake, faults=rewritten(fake, elsewhere(link)))
    got: list[str] = []
    with logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client:
        stream = client.video_logs(until=LATER, page_size=100)
        with pytest.raises(logferry.PagingError, match=words) as caught:
            got.extend(entry.id for entry in stream)
        assert caught.value.exit_code == 5
        assert "page_token=******" in str(caught.value)
        assert transport.count == 2
        assert got == list(fake.truth())[:200]
        rest = [entry.id for entry in client.video_logs(page_size=100, resume=caught.value.checkpoint)]
    assert got + rest == list(fake.truth())
    hosts = {request.header("Host") for request in transport.requests}
    assert hosts == {f"{fake.space}.signalwire.com"}


@pytest.mark.parametrize("origin", ["https://evil.example", "http://{host}:8443", "{own}/api/video/rooms?"])
def test_a_foreign_link_is_an_issue_and_never_requested(origin: str) -> None:
    """Its token is requested at the account's own address, so no log is lost and no credentials leave."""
    fake = SignalWireFake(records=RECORDS)

    def lead_elsewhere(body: dict[str, Any], _number: int) -> None:
        link = body["links"].get("next")
        if link:
            body["links"]["next"] = f"{origin}{link[link.index('?') :]}"

    transport = InProcessTransport(fake, faults=rewritten(fake, lead_elsewhere))
    with logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client:
        stream = client.video_logs(until=LATER, page_size=100)
        assert [entry.id for entry in stream] == list(fake.truth())
    assert stream.stats.doubts == 3
    assert {request.header("Host") for request in transport.requests} == {f"{fake.space}.signalwire.com"}
    assert {request.path for request in transport.requests} == {"/api/video/logs"}


def test_a_refused_token_restarts_the_walk() -> None:
    """A token that is refused once costs requests, but no delivered log comes again."""
    fake = SignalWireFake(records=RECORDS)
    body = b'{"errors":[{"attribute":"page_token","code":"invalid_parameter","message":"has expired"}]}'
    refusal = FakeResponse(422, (("Content-Type", "application/json"),), body)
    with in_process(fake, failing(refusal, at=[3])) as arguments, logferry.SignalWire(**arguments) as client:
        assert [entry.id for entry in client.video_logs(until=LATER, page_size=100)] == list(fake.truth())


def test_a_token_that_is_always_refused_is_an_error() -> None:
    """After a bounded number of restarts, the error has the words of the service."""
    fake = SignalWireFake(records=RECORDS)

    def forget(body: dict[str, Any], _number: int) -> None:
        body["links"]["next"] = "/api/video/logs?page_number=1&page_token=forgotten"

    transport = InProcessTransport(fake, faults=rewritten(fake, forget), check=False)
    with (
        logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client,
        pytest.raises(logferry.PagingError, match=r"refuses the cursors that it gives: .*is not a token") as caught,
    ):
        list(client.video_logs(until=LATER, page_size=100))
    assert transport.count == 8
    assert (caught.value.status, caught.value.code) == (422, "invalid_parameter")


@pytest.mark.parametrize("numbered", [True, False])
def test_links_in_a_circle_are_an_error(numbered: bool) -> None:
    """A next link that leads back raises a PagingError, with page numbers or with tokens alone."""
    fake = SignalWireFake(records=RECORDS)

    def circle(body: dict[str, Any], number: int) -> None:
        query = {"page_token": f"t{number % 3}", "page_size": "100"}
        body["links"]["next"] = (
            f"/api/video/logs?{urlencode(query | ({'page_number': number % 3} if numbered else {}))}"
        )

    def fault(request: FakeRequest, number: int) -> FakeResponse | None:
        first = FakeRequest(request.method, "/api/video/logs?page_size=100", request.headers)
        return rewritten(fake, circle)(first, number)

    transport = InProcessTransport(fake, faults=fault)
    got: list[str] = []
    with (
        logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client,
        pytest.raises(logferry.PagingError) as caught,
    ):
        got.extend(entry.id for entry in client.video_logs(until=LATER, page_size=100))
    assert got == list(fake.truth())[:100]
    assert transport.count <= 5
    assert caught.value.checkpoint


def test_a_long_run_of_empty_pages_is_an_error() -> None:
    """A hundred pages in a row without a new log end the walk; only the first three are requested twice."""
    fake = SignalWireFake(records=RECORDS)

    def fault(_request: FakeRequest, number: int) -> FakeResponse:
        links = {"next": f"/api/video/logs?page_number={number}&page_token=t"}
        return FakeResponse(200, (), orjson.dumps({"links": links, "data": []}))

    transport = InProcessTransport(fake, faults=fault)
    with (
        logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client,
        pytest.raises(logferry.PagingError, match="100 empty pages"),
    ):
        list(client.video_logs(until=LATER))
    assert transport.count == 103


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b'{"data":[]}', b'{"links":{},"data":{}}', b'{"links":null,"data":[]}', b'"x"', b"<html></html>"],
)
def test_an_answer_of_another_shape_is_an_error(body: bytes) -> None:
    """A page without logs or links is an error, since it does not show whether it is the last."""
    fake = SignalWireFake(records=3)
    transport = InProcessTransport(fake, faults=lambda _request, _number: FakeResponse(200, (), body))
    with (
        logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client,
        pytest.raises(logferry.ResponseShapeError),
    ):
        list(client.video_logs(until=LATER))


def test_an_invalid_item_never_loses_the_page() -> None:
    """Items without id or time, and values that are no objects, become records with issues, each once."""
    fake = SignalWireFake(records=3)

    def spoil(body: dict[str, Any], _number: int) -> None:
        body["data"][:0] = [7, None, "text", {"created_at": "soon"}, {"id": 5, "type": "x"}, []]

    with in_process(fake, rewritten(fake, spoil)) as arguments, logferry.SignalWire(**arguments) as client:
        stream = client.video_logs(until=LATER)
        records = list(stream.records())
        (page,) = stream.pages()
        strict = client.video_logs(until=LATER, strict=True)
        with pytest.raises(logferry.ResponseShapeError):
            list(strict)
    assert len(records) == 6 + len(fake.truth())
    assert all(record.issues for record in records[:6])
    assert len({record.uid for record in records}) == len(records)
    assert [entry.id for entry in page.items] == list(fake.truth())
    assert len(page.undecoded) == 6


def test_windows_may_span_the_whole_calendar() -> None:
    """From the start of the epoch to the end of the year 9999, no bound leaves the calendar."""
    fake = SignalWireFake(records=3)
    transport = InProcessTransport(fake)
    with logferry.SignalWire(space=fake.space, transport=transport, **credentials(fake)) as client:
        got = [entry.id for entry in client.video_logs(since="1970-01-01", until="9999-12-31T23:59:59.5Z")]
    assert got == list(fake.truth())
    (query,) = [parse_qs(urlsplit(request.target).query) for request in transport.requests]
    assert not {"created_after", "created_before"} & set(query)


def test_the_page_size_has_the_limits_of_the_service() -> None:
    """A page size above 1000 or below 1 is refused."""
    fake = SignalWireFake(records=3)
    assert (VIDEO_LOGS.page_size, VIDEO_LOGS.largest_page_size) == (1000, 1000)
    with in_process(fake) as arguments, logferry.SignalWire(**arguments) as client:
        for page_size in (0, 1001):
            with pytest.raises(logferry.InvalidRequestError, match="from 1 to 1000"):
                client.video_logs(page_size=page_size)
