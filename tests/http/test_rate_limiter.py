"""The rate limiter of an account: never more requests than the rate allows, and no unnecessary wait."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest
from tests.conftest import PATIENCE

import logferry
from logferry._flow.drivers import aadvance
from logferry._flow.layers import paced
from logferry._flow.steps import Flow, Receive
from logferry._http.in_flight import InFlight, Ticket
from logferry._http.messages import Response, Send
from logferry._http.rate import Rate
from logferry._http.rate_headers import Allowance
from logferry._http.rate_limiter import RateLimiter
from logferry.hooks import PageEvent
from logferry.testing import (
    CognigyFake,
    DailyFake,
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    LogtoFake,
    SignalWireFake,
    VirtualClock,
    connected,
    failing,
    first_of,
)
from logferry_clients.logto.api.audit_logs import list_audit_logs

SECOND = 1_000_000_000
FAKE = LogtoFake(records=300)
UNTIL = "2027-01-01"

Walk = Callable[[Any], Iterator[Any]]


class Watched:
    """Records the times of requests by a clock, as a fault that never occurs."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.times: list[int] = []

    def __call__(self, _request: FakeRequest, _number: int) -> None:
        """Record a request."""
        self.times.append(self._clock.now())

    def most_within(self, seconds: float) -> int:
        """Return the most requests within any span of this many seconds."""
        times = sorted(self.times)
        return max(sum(0 <= later - time < seconds * SECOND for later in times) for time in times)


class CommonClock(VirtualClock):
    """A clock for several threads: once all of them sleep, it advances to the first one to wake."""

    def __init__(self, start: int, threads: int) -> None:
        super().__init__(start)
        self._awake = threads
        self._wakes: list[int] = []
        self._changed = threading.Condition()

    def sleep(self, seconds: float) -> None:
        """Sleep until the time is reached."""
        with self._changed:
            wake = self.now() + round(seconds * SECOND)
            self._wakes.append(wake)
            self._awake -= 1
            self._go_on()
            self._changed.wait_for(lambda: self.now() >= wake)
            self._wakes.remove(wake)
            self._awake += 1

    def leave(self) -> None:
        """End the sleeps of this thread."""
        with self._changed:
            self._awake -= 1
            self._go_on()

    def _go_on(self) -> None:
        if self._awake == 0 and self._wakes:
            self.reach(min(self._wakes))
            self._changed.notify_all()


class LateClock(VirtualClock):
    """A clock that runs an action in its second sleep."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.second: Callable[[], None] = lambda: None
        self.asecond: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint

    def sleep(self, seconds: float) -> None:
        """Run the action, then let the seconds pass."""
        if len(self.naps) == 1:
            self.second()
        super().sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Do the same in a task."""
        if len(self.naps) == 1:
            await self.asecond()
        VirtualClock.sleep(self, seconds)


def logto(clock: Any, watched: Watched, faults: Faults = lambda _request, _number: None, **options: Any) -> Any:
    """Return a client of the fake, with its requests recorded."""
    transport = InProcessTransport(FAKE, clock=clock.now, faults=first_of(watched, faults))
    return connected(logferry.Logto, FAKE, transport=transport, clock=clock, **options)


def test_requests_below_the_rate_do_not_wait(walk: Walk) -> None:
    """The bucket is full at the start, so as many requests as the rate has start at once."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    with logto(clock, watched, rate="7/10s") as client:
        assert len(list(walk(client.audit_logs(until=UNTIL, page_size=50)))) == 300
    assert 6 <= len(watched.times) <= 7 + 1  # pages, and one for the token
    assert len(clock.naps) == max(0, len(watched.times) - 7)


def test_never_more_than_the_rate_in_any_span(walk: Walk) -> None:
    """A request waits until its span has room for it."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    with logto(clock, watched, rate=Rate(requests=5, seconds=10)) as client:
        assert len(list(walk(client.audit_logs(until=UNTIL, page_size=10)))) == 300
    assert len(watched.times) > 30
    assert watched.most_within(10) <= 5


def test_sequential_requests_reach_the_rate(walk: Walk) -> None:
    """Sequential requests reach the number that the rate allows in a span."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    with logto(clock, watched, rate=Rate(requests=5, seconds=10), concurrency=1) as client:
        assert len(list(walk(client.audit_logs(until=UNTIL, page_size=10)))) == 300
    assert watched.most_within(10) == 5
    # Every fifth request waits for the whole span, since the others took no time: the highest speed at this rate.
    assert watched.times[-1] - watched.times[0] == (len(watched.times) - 1) // 5 * 10 * SECOND


def test_a_later_request_waits_less(walk: Walk) -> None:
    """A token returns one span after it was taken, not after the wait began."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)

    def take_time(_event: PageEvent) -> None:
        clock.advance(4)

    with logto(clock, watched, rate="2/10s", on_page=take_time) as client:
        list(walk(client.audit_logs(until=UNTIL, page_size=50)))
    assert watched.most_within(10) == 2
    assert max(clock.naps) == 10 - 4


def test_retries_and_token_requests_count(walk: Walk) -> None:
    """A retry and a token request each use the rate."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    faults = failing(FakeResponse(503), path="/api/logs", every=2)
    with logto(clock, watched, faults, rate="2/100s") as client:
        stream = client.audit_logs(until=UNTIL, page_size=100)
        assert len(list(walk(stream))) == 300
        assert stream.stats.retries >= 2
    assert watched.most_within(100) == 2


def test_streams_and_views_share_the_rate_limiter(walk: Walk) -> None:
    """The limiter belongs to the account, so other streams and views with other options share it."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    with logto(clock, watched, rate="3/10s") as client:
        for view in (client, client.with_options(retries=0), client.with_options(rate="3/10s")):
            assert len(list(walk(view.audit_logs(until=UNTIL, page_size=100)))) == 300
    assert len(watched.times) > 9
    assert watched.most_within(10) == 3


def test_a_view_may_have_a_rate_of_its_own(walk: Walk) -> None:
    """A view's rate may be faster, slower or unlimited; requests of other views count for it."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    with logto(clock, watched, rate="2/10s") as client:
        list(walk(client.with_options(rate=None).audit_logs(until=UNTIL, page_size=50)))
        assert len(watched.times) > 6
        assert not clock.naps
        list(walk(client.audit_logs(until=UNTIL, page_size=100)))
    assert clock.naps[0] == 10


def test_a_delayed_request_counts_at_its_sending() -> None:
    """A thread that is delayed between its turn and its sending does not crowd the requests after it."""
    clock = LateClock(FAKE.epoch)
    watched = Watched(clock)
    waits, goes = threading.Event(), threading.Event()
    inner = InProcessTransport(FAKE, clock=clock.now, faults=watched)

    def answer(request: httpx.Request) -> httpx.Response:
        if threading.current_thread() is late:
            waits.set()
            assert goes.wait(PATIENCE)
        return inner.handle_request(request)

    options: dict[str, Any] = {"clock": clock, "rate": "2/10s", "concurrency": 1}
    given: dict[str, Any] = {"endpoint": "https://fake.example", "access_token": FAKE.access_token()}
    with logferry.Logto(**given, **options, transport=httpx.MockTransport(answer)) as client:
        late = threading.Thread(target=lambda: client.audit_logs(until=UNTIL).to_list(1))

        def let_go() -> None:
            goes.set()
            late.join()

        clock.second = let_go
        late.start()
        assert waits.wait(PATIENCE)
        client.audit_logs(until=UNTIL, page_size=50).to_list(200)
    assert len(watched.times) == 5
    assert watched.most_within(10) == 2


@pytest.mark.anyio
async def test_a_delayed_request_of_a_task_counts_at_its_sending() -> None:
    """A task that is delayed between its turn and its sending does not crowd the requests after it."""
    clock = LateClock(FAKE.epoch)
    watched = Watched(clock)
    waits, goes, came = anyio.Event(), anyio.Event(), anyio.Event()
    inner = InProcessTransport(FAKE, clock=clock.now, faults=watched)

    async def answer(request: httpx.Request) -> httpx.Response:
        late = not waits.is_set()
        if late:
            waits.set()
            await goes.wait()
        response = await inner.handle_async_request(request)
        if late:
            came.set()
        return response

    async def let_go() -> None:
        goes.set()
        await came.wait()

    clock.asecond = let_go
    options: dict[str, Any] = {"clock": clock, "rate": "2/10s", "concurrency": 1}
    given: dict[str, Any] = {"endpoint": "https://fake.example", "access_token": FAKE.access_token()}
    async with (
        logferry.Logto(**given, **options, transport=httpx.MockTransport(answer)) as client,
        anyio.create_task_group() as group,
    ):
        group.start_soon(client.audit_logs(until=UNTIL).ato_list, 1)
        await waits.wait()
        await client.audit_logs(until=UNTIL, page_size=50).ato_list(200)
    assert len(watched.times) == 5
    assert watched.most_within(10) == 2


def test_an_unsent_request_does_not_count() -> None:
    """A request that is abandoned before its sending, such as the last one ahead of an iteration, does not count."""
    limiter, rate = RateLimiter(), Rate(requests=1, seconds=10)
    turn = limiter.take(0, rate)
    assert limiter.take(5 * SECOND, rate) == 10.0
    assert not isinstance(turn, float)
    del turn
    assert not isinstance(limiter.take(5 * SECOND, rate), float)


def test_a_loop_without_tasks_sends_before_it_waits() -> None:
    """A wait for the turn of a request in flight starts after that request was sent, also outside asyncio."""
    sent: list[int] = []

    class Replying:
        """Answers at once."""

        def perform(self, send: Send[Any]) -> Response[Any]:
            """Send no request in a thread."""
            raise AssertionError(send)

        async def aperform(self, send: Send[Any]) -> Response[Any]:
            """Answer and count the request."""
            sent.append(clock.now())
            assert send.turn is not None
            send.turn.over(clock.now())
            return Response(send.request, "", 200, (), b"", clock.now())

        def start(self, work: Callable[[], None]) -> Any:
            """Start no thread."""
            raise AssertionError(work)

    class Still(VirtualClock):
        """Sleeps without an event loop."""

        async def asleep(self, seconds: float) -> None:
            """Let seconds pass at once."""
            self.sleep(seconds)
            assert len(self.naps) < 10

    def flow() -> Flow:
        tickets: list[Ticket[Any]] = []
        for _ in range(3):
            ticket: Ticket[Any] = yield Send(request)
            tickets.append(ticket)
        for one in tickets:
            yield Receive(one)

    clock = Still()
    request: Any = list_audit_logs.request()
    sender: Any = Replying()
    paced_flow = paced(flow(), RateLimiter(), Rate(requests=1, seconds=10), longest_retry_after=60)
    with pytest.raises(StopIteration) as ended:
        aadvance(paced_flow, InFlight(sender), clock).send(None)
    assert ended.value.value is None
    assert sent == [0, 10 * SECOND, 20 * SECOND]


@pytest.mark.anyio
async def test_tasks_share_the_rate_limiter() -> None:
    """Concurrent tasks together send no more requests than one task."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    got: list[int] = []
    async with logto(clock, watched, rate="4/10s") as client:

        async def pull() -> None:
            got.append(len(await client.audit_logs(until=UNTIL, page_size=100).ato_list()))

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(pull)
    assert got == [300] * 6
    assert len(watched.times) > 18
    assert watched.most_within(10) == 4


def test_threads_share_the_rate_limiter() -> None:
    """Concurrent threads together send exactly as many requests as the rate allows."""
    clock = CommonClock(FAKE.epoch, threads=6)
    watched = Watched(clock)
    got: list[int] = []
    with logto(clock, watched, rate="4/10s") as client:

        def pull() -> None:
            try:
                got.append(len(client.audit_logs(until=UNTIL, page_size=100).to_list()))
            finally:
                clock.leave()

        threads = [threading.Thread(target=pull) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == [300] * 6
    assert len(watched.times) > 18
    assert watched.most_within(10) == 4
    assert (max(watched.times) - min(watched.times)) // (10 * SECOND) == (len(watched.times) - 1) // 4


@pytest.mark.parametrize(
    ("client", "fake", "stream", "most", "seconds"),
    [
        (logferry.Daily, DailyFake(records=3), "daily.api_logs", 100, 5),
        (logferry.Logto, LogtoFake(records=3), "logto.audit_logs", 200, 10),
        (logferry.Cognigy, CognigyFake(records=3), "cognigy.project_logs", 1000, 300),
    ],
)
def test_the_documented_limit_is_the_default(client: Any, fake: Any, stream: str, most: int, seconds: float) -> None:
    """The fake of each service sees exactly the documented number of requests."""
    clock = VirtualClock(fake.epoch)
    watched = Watched(clock)
    transport = InProcessTransport(fake, clock=clock.now, faults=watched)
    with connected(client, fake, transport=transport, clock=clock) as opened:
        for _ in range(most + 50):
            assert opened.stream(stream, until=UNTIL).to_list(1)
    assert watched.most_within(seconds) == most


def test_a_service_without_a_limit_has_no_rate() -> None:
    """SignalWire documents that reading is effectively unlimited."""
    fake = SignalWireFake(records=300)
    clock = VirtualClock(fake.epoch)
    with connected(logferry.SignalWire, fake, clock=clock) as client:
        assert client.video_logs(page_size=1).to_list()
    assert clock.naps == ()


def test_a_service_on_this_machine_has_no_default_rate() -> None:
    """The documented limits are those of the vendors' installations."""
    clock = VirtualClock(FAKE.epoch)
    transport = InProcessTransport(FAKE, clock=clock.now)
    options: dict[str, Any] = {"access_token": FAKE.access_token(), "transport": transport, "clock": clock}
    for endpoint, waits in (("http://127.0.0.1:3001", False), ("https://acme.logto.app", True)):
        with logferry.Logto(endpoint=endpoint, **options) as client:
            for _ in range(210):
                client.audit_logs(until=UNTIL).to_list(1)
        assert bool(clock.naps) is waits


def test_a_retry_after_delays_the_whole_account(walk: Walk) -> None:
    """The Retry-After of a 429 empties the bucket of the account, so another stream waits too."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    refusal = FakeResponse(429, (("Retry-After", "7"),))
    with logto(clock, watched, failing(refusal, path="/api/logs", times=1), rate=None) as client:
        with pytest.raises(logferry.RateLimitError):
            next(walk(client.with_options(retries=0).audit_logs(until=UNTIL)))
        assert not clock.naps
        assert next(walk(client.audit_logs(until=UNTIL)))
    assert clock.naps == (7.0,)


def test_a_request_fails_instead_of_a_long_wait(walk: Walk) -> None:
    """A request that would wait an hour fails at once, and so does the next one."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    refusal = FakeResponse(429, (("Retry-After", "3600"),))
    with logto(clock, watched, failing(refusal, path="/api/logs")) as client:
        for _ in range(2):
            with pytest.raises(logferry.RateLimitError) as caught:
                next(walk(client.audit_logs(until=UNTIL)))
            assert caught.value.retry_after == 3600
    assert clock.naps == ()


def limited(clock: Any, most: int, seconds: int, headers: Callable[[int, int], Mapping[str, str]]) -> Faults:
    """A service that counts requests in its own spans, reports the rest in headers, and refuses requests beyond it."""
    counts: dict[int, int] = {}
    lock = threading.Lock()

    def faults(_request: FakeRequest, _number: int) -> Any:
        with lock:
            span, past = divmod(clock.now() // SECOND, seconds)
            counts[span] = count = counts.get(span, 0) + 1
        headed = headers(max(0, most - count), seconds - past)
        if count > most:
            return FakeResponse(429, tuple(headed.items()))

        def tell(answer: FakeResponse) -> FakeResponse:
            return attrs.evolve(answer, headers=(*answer.headers, *headed.items()))

        return tell

    return faults


SPELLINGS: dict[str, Callable[[int, int], Mapping[str, str]]] = {
    "draft 10": lambda left, reset: {"RateLimit": f'"default";r={left};t={reset}'},
    "draft 7": lambda left, reset: {"RateLimit": f"limit=4, remaining={left}, reset={reset}"},
    "draft 6": lambda left, reset: {"RateLimit-Remaining": str(left), "RateLimit-Reset": str(reset)},
    "X": lambda left, reset: {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": str(reset)},
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_headers_bound_the_requests(spelling: str, walk: Walk) -> None:
    """A service that reports the remaining requests refuses none, for any documented limit."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    with logto(clock, watched, limited(clock, 4, 10, SPELLINGS[spelling]), retries=0) as client:
        assert len(list(walk(client.audit_logs(until=UNTIL, page_size=20)))) == 300
    assert len(watched.times) > 15
    assert watched.most_within(10) == 4


@pytest.mark.anyio
async def test_the_headers_bound_concurrent_tasks() -> None:
    """Requests in flight count toward the remaining ones."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    got: list[int] = []
    async with logto(clock, watched, limited(clock, 4, 10, SPELLINGS["draft 10"]), retries=0) as client:
        await client.audit_logs(until=UNTIL).ato_list(1)  # only an answer shows the remaining requests

        async def pull() -> None:
            got.append(len(await client.audit_logs(until=UNTIL, page_size=100).ato_list()))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(pull)
    assert got == [300] * 4


@pytest.mark.parametrize("over", [False, True])
def test_requests_in_flight_reduce_the_remaining_ones(over: bool) -> None:
    """An answer may miss earlier requests that were in flight, also if their own answers come before it is noted."""
    limiter = RateLimiter()
    late: Any = limiter.take(0, None)
    turn: Any = limiter.take(0, None)
    turn.over(SECOND)
    if over:
        late.over(SECOND)
    limiter.allow(Allowance(remaining=1, seconds=10), turn, until=11 * SECOND)
    assert limiter.take(SECOND, None) == 10.0


def test_the_answer_to_the_latest_request_counts() -> None:
    """An answer that is noted after the one to a later request changes nothing."""
    limiter = RateLimiter()
    earlier: Any = limiter.take(0, None)
    later: Any = limiter.take(0, None)
    limiter.allow(Allowance(remaining=1, seconds=10), later, until=10 * SECOND)
    limiter.allow(Allowance(remaining=9, seconds=1), earlier, until=SECOND)
    assert limiter.take(SECOND, None) == 9.0


def test_a_wait_beyond_the_deadline_is_not_begun(walk: Walk) -> None:
    """A request whose turn would come after its deadline fails at once."""
    clock = VirtualClock(FAKE.epoch)
    watched = Watched(clock)
    with logto(clock, watched, rate="3/100s", deadline=50) as client:
        stream = client.audit_logs(until=UNTIL, page_size=10)
        with pytest.raises(logferry.DeadlineExceededError):
            list(walk(stream))
        assert stream.stats.items == 20
    assert clock.naps == ()


def test_a_clock_that_is_set_back_stops_no_request() -> None:
    """After the clock of the machine is set back by a day, no request waits a day."""
    limiter, rate = RateLimiter(), Rate(requests=2, seconds=10)
    day = 86_400 * SECOND
    for _ in range(2):
        turn: Any = limiter.take(2 * day, rate)
        turn.over(2 * day)
    limiter.close_until(2 * day + 60 * SECOND)
    assert limiter.take(day, rate) == 10.0
    assert not isinstance(limiter.take(day + 10 * SECOND, rate), float)


def test_memory_is_bounded_by_the_rate() -> None:
    """The limiter keeps at most as many times as the rate has tokens."""
    limiter = RateLimiter()
    for number in range(10_000):
        turn: Any = limiter.take(number * SECOND, Rate(requests=3, seconds=1))
        assert turn.number == number + 1
        turn.over(number * SECOND)
    kept: Any = vars(type(limiter))["_got"].__get__(limiter)  # no public attribute shows it
    assert len(kept) == 3


@pytest.mark.parametrize("rate", ["fast", 0, -1, 20, object()])
def test_an_invalid_rate_is_refused(rate: Any) -> None:
    """A client and a view both refuse it when it is set."""
    with pytest.raises(logferry.ConfigurationError, match="rate is no rate"):
        connected(logferry.Logto, FAKE, rate=rate)
    with connected(logferry.Logto, FAKE) as client, pytest.raises(logferry.ConfigurationError, match="rate is no rate"):
        client.with_options(rate=rate)
