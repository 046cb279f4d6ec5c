"""HTTP failures: each becomes an error of logferry, sync and async, over real sockets where it matters."""

from __future__ import annotations

import gc
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import httpx
import pytest
from tests.conftest import PATIENCE

import logferry
from logferry import LogferryError
from logferry.testing import LogtoFake, VirtualClock, serve

Handler: TypeAlias = Callable[[socket.socket], None]

DEFAULTS: dict[str, Any] = {}
"""The default options of the clients in these tests."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def asked(sync: bool, **options: Any) -> list[Any]:
    """Return all raw items that a client gets, sync or async; each request is sent once."""
    given: dict[str, Any] = {"endpoint": "https://acme.logto.app", "access_token": "hush", "retries": 0}
    given |= DEFAULTS | options
    if sync:
        with logferry.Logto(**given) as logto:
            return logto.audit_logs(until="2030-01-01").raw().to_list()

    async def collect() -> list[Any]:
        async with logferry.Logto(**given) as logto:
            return await logto.audit_logs(until="2030-01-01").raw().ato_list()

    return anyio.run(collect)


@pytest.fixture(params=[True, False], ids=["sync", "async"])
def sync(request: pytest.FixtureRequest) -> bool:
    """Whether requests are sync or async."""
    return bool(request.param)


@pytest.fixture(params=[None, "fast"], ids=["httpx", "fast"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two transports."""
    monkeypatch.setitem(DEFAULTS, "transport", request.param)


@contextmanager
def listening(
    handle: Handler, heard: list[bytes] | None = None, port: int = 0, *, waits: bool = True
) -> Generator[str]:
    """A server that reads a request if required, records its first line, and handles the connection."""
    server = socket.create_server(("127.0.0.1", port))
    stop = threading.Event()

    def serve_all() -> None:
        while not stop.is_set():
            connection, _ = server.accept()
            with connection:
                if stop.is_set():
                    return
                received = b""
                while waits and b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                if heard is not None:
                    heard.append(received.partition(b"\r\n")[0])
                handle(connection)

    thread = threading.Thread(target=serve_all)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        stop.set()
        socket.create_connection(server.getsockname()).close()
        thread.join(5)
        server.close()


def sending(*parts: bytes) -> Handler:
    """Send and close."""

    def handle(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return handle


def stalling(done: threading.Event) -> Handler:
    """Send nothing for as long as the client waits."""

    def handle(_connection: socket.socket) -> None:
        done.wait(PATIENCE)

    return handle


def resetting(connection: socket.socket) -> None:
    """Send a part, then reset the connection."""
    connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n[")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "handle",
    [
        sending(),
        sending(b"HTTP/1.1 200 OK\r\nContent-"),
        sending(HEAD + b"Content-Length: 100\r\n\r\n[1,2"),
        sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"),
        sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        sending(b"SSH-2.0-OpenSSH_9.2\r\n"),
        resetting,
    ],
    ids=["nothing", "cut head", "cut body", "cut chunks", "bad chunk", "not http", "reset"],
)
def test_a_broken_connection_is_an_error(sync: bool, handle: Handler) -> None:
    """A missing, truncated or invalid answer is a ConnectionFailedError that names the host, never a short page."""
    with listening(handle) as url, pytest.raises(logferry.ConnectionFailedError) as caught:
        asked(sync, endpoint=url)
    error = caught.value
    assert type(error) is logferry.ConnectionFailedError
    assert (error.method, error.status, error.attempts) == ("GET", None, 1)
    assert (error.url or "").startswith(f"{url}/api/logs?")
    assert "127.0.0.1" in str(error)


def test_a_truncated_body_is_retried(sync: bool) -> None:
    """The second attempt gets the whole body."""
    answers = [
        sending(HEAD + b"Total-Number: 0\r\nContent-Length: 2\r\n\r\n[]"),
        sending(HEAD + b"Content-Length: 2\r\n\r\n["),
    ]
    retries = logferry.RetryPolicy(attempts=2, first_delay=0)

    def answer(connection: socket.socket) -> None:
        handle = answers.pop()
        handle(connection)

    with listening(answer) as url:
        assert asked(sync, endpoint=url, retries=retries) == []
    assert answers == []


def test_a_refused_connection_is_an_error(sync: bool) -> None:
    """A refused connection is a ConnectionFailedError with a hint."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(logferry.ConnectionFailedError, match="cannot connect to") as caught:
        asked(sync, endpoint=f"http://127.0.0.1:{port}")
    assert caught.value.hint
    assert caught.value.refused


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_restarting_service_is_awaited(sync: bool, host: str) -> None:
    """A refused connection is retried until the service listens, beyond the number of attempts."""
    opened: list[Any] = []

    class Restarting(VirtualClock):
        """Make the service listen after ten seconds."""

        def sleep(self, seconds: float) -> None:
            """Let seconds pass."""
            super().sleep(seconds)
            if self.now() > 10_000_000_000 and not opened:
                opened.append(stack.enter_context(listening(sending(HEAD + b"Content-Length: 2\r\n\r\n[]"), port=port)))

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    clock = Restarting()
    with ExitStack() as stack:
        assert asked(sync, endpoint=f"http://{host}:{port}", clock=clock, retries=logferry.RetryPolicy()) == []
    assert len(clock.naps) > 4
    assert max(clock.naps) <= 5


def test_a_service_that_does_not_return_is_an_error(sync: bool) -> None:
    """After thirty seconds of refusals the usual attempts follow, and the error counts all of them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    clock = VirtualClock()
    with pytest.raises(logferry.ConnectionFailedError) as caught:
        asked(sync, endpoint=f"http://127.0.0.1:{port}", clock=clock, retries=logferry.RetryPolicy())
    assert 30 <= sum(clock.naps[:-3]) <= 35
    assert len(clock.naps) == caught.value.attempts - 1
    with pytest.raises(logferry.DeadlineExceededError):
        asked(sync, endpoint=f"http://127.0.0.1:{port}", clock=VirtualClock(), retries=3, deadline=20)


def test_an_unknown_authority_is_named(sync: bool) -> None:
    """An untrusted certificate is no network failure: the error says which option to set."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("unknown_authority.pem"))

    def shake_hands(connection: socket.socket) -> None:
        with suppress(OSError):
            context.wrap_socket(connection, server_side=True).close()

    with (
        listening(shake_hands, waits=False) as url,
        pytest.raises(logferry.ConnectionFailedError, match="certificate is not trusted") as caught,
    ):
        asked(sync, endpoint=url.replace("http:", "https:"))
    assert "SSL_CERT_FILE" in (caught.value.hint or "")
    assert not caught.value.refused


def test_a_stalled_answer_is_a_timeout(sync: bool) -> None:
    """A server that stalls causes a RequestTimeoutError after the timeout."""
    done = threading.Event()
    with listening(stalling(done)) as url:
        with pytest.raises(logferry.RequestTimeoutError, match="took too long to answer"):
            asked(sync, endpoint=url, timeout=0.05)
        done.set()


def test_the_deadline_ends_a_stalled_request(sync: bool) -> None:
    """The deadline ends a stalled request, even if its timeout is longer."""
    done = threading.Event()
    with listening(stalling(done)) as url:
        with pytest.raises(logferry.DeadlineExceededError):
            asked(sync, endpoint=url, deadline=0.05)
        done.set()


def dripping(start: bytes, drop: bytes) -> Handler:
    """Send the start, then single bytes within every read timeout until the client closes the connection."""

    def handle(connection: socket.socket) -> None:
        hung_up = threading.Event()

        def watch() -> None:
            with suppress(OSError):
                connection.recv(1)
            hung_up.set()

        thread = threading.Thread(target=watch)
        thread.start()
        with suppress(OSError):
            connection.sendall(start)
            while not hung_up.wait(0.01):
                connection.sendall(drop)
        thread.join()

    return handle


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        (b"HTTP/1.1 200 O", b"K"),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nX-A: ", b"a"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    ],
    ids=["100", "103", "status", "header", "chunk extension", "chunks", "trailer", "body"],
)
@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"deadline": 0.2}, logferry.DeadlineExceededError),
        ({"timeout": logferry.Timeouts(whole=0.2)}, logferry.RequestTimeoutError),
    ],
    ids=["deadline", "timeout"],
)
def test_a_dripping_answer_is_bounded(
    sync: bool, start: bytes, drop: bytes, options: Any, kind: type[LogferryError]
) -> None:
    """Whichever part of the answer drips, the exchange is bounded by elapsed time, not only by each read."""
    with listening(dripping(start, drop)) as url, pytest.raises(kind):
        asked(sync, endpoint=url, **options)


def test_a_custom_transport_is_bounded(sync: bool) -> None:
    """A sync exchange is checked between pieces of the body; an async one is cancelled from outside."""
    told: list[Any] = []

    def drip() -> Iterator[bytes]:
        while True:
            yield b" "

    class Dripping(httpx.SyncByteStream, httpx.AsyncByteStream):
        """A body without end."""

        def __iter__(self) -> Iterator[bytes]:
            return drip()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in drip():
                await anyio.lowlevel.checkpoint()
                yield piece

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request.extensions["timeout"])
        return httpx.Response(200, stream=Dripping())

    with pytest.raises(logferry.RequestTimeoutError):
        asked(sync, transport=httpx.MockTransport(answer), timeout=logferry.Timeouts(whole=0.05))
    assert told == [{"connect": 0.05, "read": 0.05, "write": 0.05, "pool": 0.05}]


def test_a_cancel_scope_of_the_caller_cancels_a_request() -> None:
    """A timeout of anyio around an iteration raises as such, not as an uncaught cancellation."""
    done = threading.Event()

    async def collect(url: str) -> bool:
        given: dict[str, Any] = {"endpoint": url, "access_token": "hush", **DEFAULTS}
        async with logferry.Logto(**given) as logto:
            with anyio.move_on_after(0.05) as scope:
                await logto.audit_logs(until="2030-01-01").ato_list()
        return scope.cancelled_caught

    with listening(stalling(done)) as url:
        assert anyio.run(collect, url)
        done.set()


def test_a_whole_exchange_has_a_bound_by_default(sync: bool) -> None:
    """The bound is five minutes; a longer read timeout extends it."""
    assert logferry.Timeouts().whole == 300
    told: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json=[])

    asked(sync, transport=httpx.MockTransport(answer), timeout=1000)
    asked(sync, transport=httpx.MockTransport(answer), timeout=logferry.Timeouts(read=1000))
    assert sorted(set(told)) == [300, 1000]


def answering(status: int, content: bytes, **headers: str) -> httpx.MockTransport:
    """A service that sends the same answer to every request; header names have underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.MockTransport(lambda _request: httpx.Response(status, content=content, headers=named))


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectTimeout("x"), logferry.RequestTimeoutError),
        (httpx.ReadTimeout("x"), logferry.RequestTimeoutError),
        (httpx.WriteTimeout("x"), logferry.RequestTimeoutError),
        (httpx.PoolTimeout("x"), logferry.RequestTimeoutError),
        (httpx.ConnectError("x"), logferry.ConnectionFailedError),
        (httpx.ReadError("x"), logferry.ConnectionFailedError),
        (httpx.WriteError("x"), logferry.ConnectionFailedError),
        (httpx.CloseError("x"), logferry.ConnectionFailedError),
        (httpx.ProxyError("x"), logferry.ConnectionFailedError),
        (httpx.RemoteProtocolError("x"), logferry.ConnectionFailedError),
        (httpx.DecodingError("x"), logferry.ResponseShapeError),
        (httpx.LocalProtocolError("x"), logferry.InvalidRequestError),
        (httpx.UnsupportedProtocol("x"), logferry.InvalidRequestError),
        (httpx.InvalidURL("x"), logferry.InvalidRequestError),
        (httpx.ReadError(""), logferry.ConnectionFailedError),
        (httpx.ConnectError("a\nb\x1b[31m"), logferry.ConnectionFailedError),
    ],
    ids=repr,
)
def test_each_httpx_error_becomes_an_error_of_logferry(
    sync: bool, failure: Exception, kind: type[LogferryError]
) -> None:
    """The error names its request in one line, and has the error of httpx as its cause."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(LogferryError) as caught:
        asked(sync, transport=httpx.MockTransport(fail))
    assert type(caught.value) is kind
    assert caught.value.method == "GET"
    assert "acme.logto.app" in (caught.value.url or "")
    assert len(str(caught.value).splitlines()) == 1
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "items"),
    [
        (b"[]", []),
        (b" [1, 2]\n", [1, 2]),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"[NaN, 1]", ["NaN", 1]),
        (b"[-Infinity, Infinity]", ["-Infinity", "Infinity"]),
        (b'["\\ud800"]', ["\\ud800"]),
        (b"[1.0, 1e2, 18446744073709551615]", [1.0, 100.0, 18446744073709551615]),
    ],
)
def test_valid_bodies_are_read(sync: bool, content: bytes, items: list[Any]) -> None:
    """JSON is read, also with a byte order mark, NaN, or lone surrogates, which become escapes."""
    assert asked(sync, transport=answering(200, content, total_number=str(len(items)))) == items


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (200, b"", "application/json", "answer is empty"),
        (200, b"<!DOCTYPE html><html></html>", "text/html", "web page"),
        (200, b"\n <html>", "", "web page"),
        (200, b'[{"id":"a"', "application/json", "no JSON"),
        (200, b"[1] trailing", "application/json", "no JSON"),
        (200, b"\xff\xfe[\x00]\x00", "application/json", "no JSON"),
        (200, b"[" * 100_000, "application/json", "no JSON"),
        (200, b"Not Found", "text/plain; charset=utf-8", r"no JSON \(content type text/plain\)"),
        (200, b"{}", "application/json", "not an array"),
        (200, b"null", "application/json", "not an array"),
        (200, b'"x"', "application/json", "not an array"),
        (204, b"", "", "204 No Content where 200 was expected"),
        (304, b"", "", "304 Not Modified where 200 was expected"),
        (206, b"[]", "application/json", "206 Partial Content"),
    ],
)
def test_an_unexpected_body_is_an_error(sync: bool, status: int, content: bytes, kind: str, words: str) -> None:
    """Each raises a ResponseShapeError that describes the body, never an empty result."""
    with pytest.raises(logferry.ResponseShapeError, match=words) as caught:
        asked(sync, transport=answering(status, content, content_type=kind))
    assert caught.value.status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(sync: bool, status: int) -> None:
    """Credentials go to the configured origin only; the hint says what to check."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(status, headers={"Location": "https://elsewhere.example/api/logs"})

    with pytest.raises(logferry.ResponseShapeError, match=str(status)) as caught:
        asked(sync, transport=httpx.MockTransport(answer))
    assert "address" in (caught.value.hint or "")
    assert seen == ["acme.logto.app"]


def test_redirects_are_not_followed_over_a_socket(sync: bool) -> None:
    """Neither transport follows a redirect."""
    with listening(sending(HEAD + b"Content-Length: 2\r\n\r\n[]")) as elsewhere:
        head = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}/api/logs\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(sending(head)) as url, pytest.raises(logferry.ResponseShapeError, match="302"):
            asked(sync, endpoint=url)


def test_an_unnamed_5xx_is_a_service_error(sync: bool) -> None:
    """Proxies invent statuses; any 5xx is a failure of the service."""
    with pytest.raises(logferry.ServiceError, match="520 unknown status"):
        asked(sync, transport=answering(520, b"<html>Web server is returning an unknown error</html>"))


@pytest.mark.parametrize("content", [b"\x1f\x8bgarbage", b"[1,2,3]"])
def test_damaged_compression_is_an_error(sync: bool, content: bytes) -> None:
    """A body that is declared as gzip but is not raises a ResponseShapeError."""
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(content)
    with listening(sending(head + content)) as url, pytest.raises(logferry.ResponseShapeError, match="compression"):
        asked(sync, endpoint=url)


def test_truncated_compression_is_an_error(sync: bool) -> None:
    """A truncated gzip body is an error, even if the answer ends normally."""
    content = gzip.compress(b"[" + b"1," * 1000 + b"1]" + bytes(range(32, 127)).replace(b'"', b""))[:-30]
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(content)
    with listening(sending(head + content)) as url, pytest.raises(LogferryError):
        asked(sync, endpoint=url)


def test_an_endless_body_is_refused(sync: bool) -> None:
    """At most 64 MiB are read, counted after decompression, since a small gzip body can exceed them."""
    content = gzip.compress(b" " * (64 * 1024 * 1024 + 1), compresslevel=1)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(content)
    with (
        listening(sending(head + content)) as url,
        pytest.raises(logferry.ResponseShapeError, match="larger than 67,108,864 bytes") as caught,
    ):
        asked(sync, endpoint=url)
    assert "No smaller page can be requested" in (caught.value.hint or "")


def test_a_request_id_cannot_break_the_line(sync: bool) -> None:
    """Header bytes can be line ends and terminal controls; the error shows them as escapes."""
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nlogto-core-request-id: a\x85b\x9b31m\r\n\r\n{}"
    with listening(sending(head)) as url, pytest.raises(logferry.BadRequestError) as caught:
        asked(sync, endpoint=url)
    assert len(str(caught.value).splitlines()) == 1
    assert "\x9b" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_client_serves_several_event_loops_in_turn() -> None:
    """Notebooks and tests run one loop after another; each gets its own connections."""
    fake = LogtoFake(records=3)

    async def collect(logto: logferry.Logto) -> list[str]:
        return [entry.id async for entry in logto.audit_logs(until="2030-01-01")]

    with serve(fake) as url:
        logto = logferry.Logto(endpoint=url, app_id=fake.app_id, app_secret=fake.app_secret)
        found = [anyio.run(collect, logto) for _ in range(2)]
        logto.close()
        del logto
        gc.collect()  # the leftovers of an ended loop warn while the warning is ignored
    assert found == [list(fake.truth())] * 2


def test_threads_and_tasks_share_a_client() -> None:
    """Threads and tasks use one client at the same time, over real connections."""
    fake = LogtoFake(records=3)

    async def both(url: str) -> tuple[list[str], list[str]]:
        async with logferry.Logto(endpoint=url, app_id=fake.app_id, app_secret=fake.app_secret) as logto:
            stream = logto.audit_logs(until="2030-01-01")
            blocking = await anyio.to_thread.run_sync(lambda: [entry.id for entry in stream])
            return blocking, [entry.id for entry in await stream.ato_list()]

    with serve(fake) as url:
        assert anyio.run(both, url) == (list(fake.truth()), list(fake.truth()))


def test_requests_use_the_proxy_argument(sync: bool) -> None:
    """Even a host that only the proxy can resolve is reached; plain http to it must be allowed."""
    heard: list[bytes] = []
    with listening(sending(HEAD + b"Total-Number: 0\r\nContent-Length: 2\r\n\r\n[]"), heard) as url:
        assert asked(sync, endpoint="http://logto.invalid", allow_insecure=True, proxy=url) == []
    assert heard[0].startswith(b"GET http://logto.invalid/api/logs?")
    assert b"page_size=" in heard[0]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_requests_use_the_proxy_of_the_environment(variable: str, sync: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that the environment lists as direct do not use it."""
    heard: list[bytes] = []
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with listening(sending(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), heard) as url:
        monkeypatch.setenv(variable, url)
        with pytest.raises(logferry.ConnectionFailedError):
            asked(sync, endpoint="https://logto.invalid")
        assert heard == [b"CONNECT logto.invalid:443 HTTP/1.1"]
        monkeypatch.setenv("NO_PROXY", "elsewhere.invalid,logto.invalid")
        with pytest.raises(logferry.ConnectionFailedError):
            asked(sync, endpoint="https://logto.invalid")
        assert len(heard) == 1
    with pytest.raises(logferry.ConfigurationError, match="plain http"):
        asked(sync, endpoint="http://logto.invalid")
