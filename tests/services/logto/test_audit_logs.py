"""The stream of audit logs, end to end: sync and async, in process and over the loopback server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import anyio
import httpx
import pytest

import logferry
from logferry.testing import (
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    LogtoFake,
    Recorder,
    Row,
    VirtualClock,
    failing,
    serve,
)
from logferry_clients.logto.models import AuditLog

LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""A time after all logs of a fake."""

RECORDS: Final = 417


@contextmanager
def in_process(fake: LogtoFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* in process."""
    transport = InProcessTransport(fake, faults=faults)
    yield {"endpoint": "https://default.logto.app", "transport": transport, "rate": None, **credentials(fake)}


@contextmanager
def on_loopback(fake: LogtoFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* over the loopback server."""
    with serve(Recorder(fake, faults=faults)) as url:
        yield {"endpoint": url, **credentials(fake)}


def credentials(fake: LogtoFake) -> dict[str, str]:
    return {"app_id": fake.app_id, "app_secret": fake.app_secret}


def opened(arguments: dict[str, Any], **changes: Any) -> logferry.Logto:
    """Return a client with some arguments changed."""
    return logferry.Logto(**(arguments | changes))


Views: TypeAlias = Callable[[logferry.Logto], list[Any]]


def collected(arguments: dict[str, Any], views: Views, *, sync: bool) -> list[list[Any]]:
    """Return all items of some views of a client's streams, sync or async."""
    if sync:
        with logferry.Logto(**arguments) as logto:
            return [list(view) for view in views(logto)]

    async def collect() -> list[list[Any]]:
        async with logferry.Logto(**arguments) as logto:
            return [[item async for item in view] for view in views(logto)]

    return anyio.run(collect)


def uids(fake: LogtoFake, ids: Iterable[str]) -> list[str]:
    return [f"logto:{fake.tenant}:{one}" for one in ids]


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_every_view_yields_each_log_once(adapter: Any, sync: bool) -> None:
    """Entries, records, raw items and pages have every log once, newest first, sync and async."""
    fake = LogtoFake(records=RECORDS)
    truth = list(fake.truth())

    def views(logto: logferry.Logto) -> list[Any]:
        stream = logto.audit_logs(until=LATER)
        return [stream, stream.records(), stream.raw(), stream.pages()]

    with adapter(fake) as arguments:
        entries, records, items, pages = collected(arguments, views, sync=sync)
    assert [entry.id for entry in entries] == truth
    assert [record.uid for record in records] == uids(fake, truth)
    assert [item["id"] for item in items] == truth
    assert [entry.id for page in pages for entry in page.items] == truth
    assert [len(page.items) for page in pages] == [100, 99, 99, 99, 20]
    assert {page.total for page in pages} == {RECORDS}
    assert all(page.request_id for page in pages)


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_the_iterator_continues_after_an_error_on_page_3(adapter: Any, sync: bool) -> None:
    """The error is raised after pages 1 and 2; the next call continues with page 3, and no log is lost or repeated."""
    fake = LogtoFake(records=RECORDS)
    before: list[str] = []
    after: list[str] = []

    def drain(arguments: dict[str, Any]) -> logferry.LogferryError:
        with logferry.Logto(retries=0, **arguments) as logto:
            iterator = iter(logto.audit_logs(until=LATER))
            with pytest.raises(logferry.ServiceError) as caught:
                before.extend(entry.id for entry in iterator)
            after.extend(entry.id for entry in iterator)
        return caught.value

    async def extend(ids: list[str], iterator: AsyncIterator[AuditLog]) -> None:
        async for entry in iterator:
            ids.append(entry.id)  # noqa: PERF401  # items before an error are kept

    async def adrain(arguments: dict[str, Any]) -> logferry.LogferryError:
        async with logferry.Logto(retries=0, **arguments) as logto:
            iterator = aiter(logto.audit_logs(until=LATER))
            with pytest.raises(logferry.ServiceError) as caught:
                await extend(before, iterator)
            await extend(after, iterator)
        return caught.value

    # Request 1 fetches the token, so request 4 is for page 3.
    with adapter(fake, failing(FakeResponse(503), at=[4])) as arguments:
        error = drain(arguments) if sync else anyio.run(adrain, arguments)
    assert (len(before), len(after)) == (199, RECORDS - 199)
    assert before + after == list(fake.truth())
    assert (error.status, error.stream, error.attempts) == (503, "logto.audit_logs", 1)


RESUME = """
import sys
import logferry
with logferry.Logto.from_env() as logto:
    for entry in logto.audit_logs(resume=sys.stdin.read()):
        print(entry.id)
"""


@pytest.mark.parametrize("delivered", [0, 1, 100, 250, 417])
def test_a_checkpoint_resumes_in_another_process(delivered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The logs of a stream and those that another process reads from its checkpoint are together all logs."""
    fake = LogtoFake(records=RECORDS)
    with serve(fake) as url:
        variables = {"LOGTO_ENDPOINT": url, "LOGTO_APP_ID": fake.app_id, "LOGTO_APP_SECRET": fake.app_secret}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with logferry.Logto.from_env() as logto:
            stream = logto.audit_logs(until=LATER)
            first = [entry.id for entry in stream.to_list(delivered)]
            checkpoint = stream.checkpoint
        assert fake.app_secret not in checkpoint
        result = subprocess.run(
            [sys.executable, "-c", RESUME], input=checkpoint, capture_output=True, text=True, check=True
        )
    assert first + result.stdout.split() == list(fake.truth())


@pytest.mark.parametrize("release", ["1.36.0", "1.40.0", "1.41.0", "1.42.0"])
def test_the_window_is_half_open_with_any_bounds_of_the_server(release: str) -> None:
    """Ignored, exclusive and inclusive bounds of the server give the same half-open window."""
    fake = LogtoFake(records=RECORDS, release=release)
    times = sorted(set(all_times(fake)))
    since, until = times[100] * 1_000_000, times[300] * 1_000_000
    with in_process(fake) as arguments, logferry.Logto(**arguments) as logto:
        got = [entry.id for entry in logto.audit_logs(since=iso(since), until=iso(until))]
    assert got == list(fake.truth(since=since, until=until))
    assert len(got) >= 200


def all_times(fake: LogtoFake) -> list[int]:
    with in_process(fake) as arguments, logferry.Logto(**arguments) as logto:
        return [item["createdAt"] for item in logto.audit_logs(until=LATER).raw()]


def iso(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds")


@pytest.mark.parametrize("release", ["1.36.0", "1.42.0"])
def test_logs_that_arrive_while_paging_do_not_shift_pages(release: str) -> None:
    """The window ends at the time of the first request; on old servers later logs move the pages, and are left out."""
    fake = LogtoFake(records=RECORDS, release=release, spacing=1.0)
    clock = VirtualClock(fake.epoch + 1)
    transport = InProcessTransport(fake, clock=clock.now)
    with logferry.Logto(
        endpoint="https://default.logto.app",
        app_id=fake.app_id,
        app_secret=fake.app_secret,
        transport=transport,
        clock=clock,
        on_request=lambda _event: clock.advance(37),
    ) as logto:
        stream = logto.audit_logs()
        got = [entry.id for entry in stream]
    assert got == list(fake.truth(now=fake.epoch))


@pytest.mark.parametrize("page_size", [1, 3, 100])
@pytest.mark.parametrize(("count", "certain"), [(80, True), (150, False)])
def test_ties_that_are_reordered_on_every_page(count: int, certain: bool, page_size: int) -> None:
    """An old server without a tie-break: ties within one page all come; ties beyond one page are reported."""
    begin = LogtoFake().epoch
    times = [begin, *[begin - 10**9] * count, *(begin - number * 10**9 for number in range(2, 40))]
    fake = LogtoFake(rows=[Row(time=time) for time in times], release="1.36.0", stable_ties=False, compression=False)
    with in_process(fake) as arguments, logferry.Logto(**arguments) as logto:
        stream = logto.audit_logs(until=LATER, page_size=page_size)
        got = [entry.id for entry in stream]
    assert len(set(got)) == len(got)
    assert set(got) <= set(fake.truth(until=None, now=begin + 1))
    assert len(got) > count // 2
    assert len(got) == len(times) or not certain
    assert bool(stream.stats.doubts) is not certain


def test_ties_before_the_window_do_not_keep_a_walk_going() -> None:
    """Ties before the window are not delivered, and although every page has new ones, the walk ends."""
    begin = LogtoFake().epoch
    times = [*(begin - number * 10**9 for number in range(60)), *[begin - 61 * 10**9] * 70]
    fake = LogtoFake(rows=[Row(time=time) for time in times], release="1.36.0", stable_ties=False, compression=False)
    asked: list[object] = []
    since = datetime.fromtimestamp(begin // 10**9 - 60, UTC)
    with in_process(fake) as arguments, logferry.Logto(**arguments, on_request=asked.append) as logto:
        got = [entry.id for entry in logto.audit_logs(since=since, until=LATER, page_size=1)]
    assert len(set(got)) == len(got) == 60
    assert len(asked) < 60


def test_ties_that_fit_one_page_are_no_issue() -> None:
    """Ties that exactly fill the requested page are complete."""
    begin = LogtoFake().epoch
    fake = LogtoFake(rows=[Row(time=begin)] * 4, compression=False)
    with in_process(fake) as arguments, logferry.Logto(**arguments) as logto:
        stream = logto.audit_logs(until=LATER, page_size=2)
        assert len(list(stream)) == 4
    assert stream.stats.doubts == 0


def test_filters_reach_the_server() -> None:
    """Each filter leaves the logs that the fake counts for it."""
    fake = LogtoFake(records=RECORDS)
    with in_process(fake) as arguments, logferry.Logto(**arguments) as logto:
        everything = list(logto.audit_logs(until=LATER))
        filters: list[dict[str, Any]] = [
            {"log_key": "Interaction.End"},
            {"user_id": next(entry.payload.user_id for entry in everything if entry.payload.user_id)},
            {"application_id": next(e.payload.application_id for e in everything if e.payload.application_id)},
        ]
        for one in filters:
            got = [entry.id for entry in logto.audit_logs(until=LATER, **one)]
            assert got == list(fake.truth(**one))
            assert 0 < len(got) < RECORDS


def test_requests_conform_to_the_spec() -> None:
    """All requests of a pull, also for the token, conform to the spec that ships with the generated client."""
    fake = LogtoFake(records=RECORDS)
    transport = InProcessTransport(fake)
    with logferry.Logto(
        endpoint="https://default.logto.app", app_id=fake.app_id, app_secret=fake.app_secret, transport=transport
    ) as logto:
        list(logto.audit_logs(since="2025-01-01", until=LATER, user_id="u", application_id="a", log_key="k"))
    assert transport.count == 2
    assert list(transport.violations) == []


def test_a_repeated_page_is_an_error() -> None:
    """A server that repeats a page causes a PagingError with a checkpoint, after the logs of the page."""
    fake = LogtoFake(records=RECORDS, release="1.36.0")
    transport = InProcessTransport(fake, faults=first_page_again(fake))
    got: list[str] = []
    with logferry.Logto(
        endpoint="https://default.logto.app", app_id=fake.app_id, app_secret=fake.app_secret, transport=transport
    ) as logto:
        entries = logto.audit_logs(until=LATER)
        with pytest.raises(logferry.PagingError) as caught:
            got.extend(entry.id for entry in entries)
    assert got == list(fake.truth())[:100]
    assert transport.count <= 16
    assert caught.value.checkpoint


def first_page_again(fake: LogtoFake) -> Callable[[FakeRequest, int], FakeResponse | None]:
    """Return faults that send the first page for every page."""

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        if request.path != "/api/logs":
            return None
        url = httpx.URL(request.target)
        again = str(url.copy_set_param("page", "1"))
        answer = fake.answer(FakeRequest(request.method, again, request.headers), fake.epoch)
        return FakeResponse(
            answer.status, tuple(pair for pair in answer.headers if pair[0] != "Total-Number"), answer.body
        )

    return fault


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"app_secret": "wrong"}, logferry.AuthenticationError, "LOGTO_APP_SECRET"),
        ({"resource": "https://other.example/api"}, logferry.LogferryError, "LOGTO_RESOURCE"),
        (
            {"app_id": "", "app_secret": "", "access_token": "garbage"},
            logferry.AuthenticationError,
            "LOGTO_ACCESS_TOKEN",
        ),
    ],
)
def test_wrong_credentials_name_the_setting(
    arguments: dict[str, Any], kind: type[logferry.LogferryError], words: str
) -> None:
    """The error names the setting to check, and contains no secret."""
    fake = LogtoFake()
    with (
        in_process(fake) as where,
        opened(where, **arguments) as logto,
        pytest.raises(kind) as caught,
    ):
        list(logto.audit_logs())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    for secret in (fake.app_secret, "garbage"):
        assert secret not in str(caught.value)


def test_an_app_without_the_role_gets_its_name() -> None:
    """A token without the permission raises a PermissionDeniedError that names the role to assign."""
    fake = LogtoFake()
    with (
        in_process(fake) as where,
        opened(where, app_id=fake.roleless_app_id) as logto,
        pytest.raises(logferry.PermissionDeniedError) as caught,
    ):
        list(logto.audit_logs())
    assert (caught.value.status, caught.value.code) == (403, "auth.forbidden")
    assert "role" in str(caught.value)


def test_an_expiring_token_is_renewed_during_a_pull() -> None:
    """Tokens are renewed before they expire, and a pull across several tokens loses no log."""
    fake = LogtoFake(records=RECORDS, token_lifetime=120)
    clock = VirtualClock(fake.epoch)
    transport = InProcessTransport(fake, clock=clock.now)
    with logferry.Logto(
        endpoint="https://default.logto.app",
        app_id=fake.app_id,
        app_secret=fake.app_secret,
        transport=transport,
        clock=clock,
        on_page=lambda _event: clock.advance(45),
    ) as logto:
        got = [entry.id for entry in logto.audit_logs(until=LATER)]
    assert got == list(fake.truth(now=fake.epoch))
    assert sum(request.path == "/oidc/token" for request in transport.requests) == 3
