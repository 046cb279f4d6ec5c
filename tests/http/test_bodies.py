"""Bodies of every kind, from every service, over real sockets: each is read or an error, in bounded memory."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import anyio
import httpx
import orjson
import pytest
from tests.http.test_sender import DEFAULTS, listening, sending, transport

import logferry
from logferry._http.body import Body

__all__ = ["transport"]  # a fixture that each test uses

MIB = 1024 * 1024
Items: TypeAlias = Callable[[list[Any]], Any]
Case: TypeAlias = tuple[str, dict[str, str], dict[str, str], Items]

SERVICES: list[Case] = [
    ("daily.session_logs", {"api_key": "hush"}, {"mtg_session_id": "m"}, lambda items: {"logs": items}),
    ("daily.session_metrics", {"api_key": "hush"}, {"mtg_session_id": "m"}, lambda items: {"metrics": items}),
    ("daily.api_logs", {"api_key": "hush"}, {}, lambda items: items),
    ("daily.meetings", {"api_key": "hush"}, {}, lambda items: {"data": items}),
    ("logto.audit_logs", {"access_token": "hush"}, {}, lambda items: items),
    (
        "signalwire.video_logs",
        {"project_id": "p", "api_token": "hush"},
        {},
        lambda items: {"data": items, "links": {}},
    ),
    ("cognigy.project_logs", {"api_key": "hush"}, {"project_id": "a" * 24}, lambda items: {"items": items}),
]
CLIENTS: dict[str, Callable[..., Any]] = {
    "daily": logferry.Daily,
    "logto": logferry.Logto,
    "signalwire": logferry.SignalWire,
    "cognigy": logferry.Cognigy,
}


@contextmanager
def opened(case: Case, url: str, **options: Any) -> Generator[Any]:
    """Open the stream of a case at an address; each request is sent once."""
    name, settings, filters, _ = case
    service, _, method = name.partition(".")
    address = {"endpoint" if service == "logto" else "base_url": url}
    with CLIENTS[service](**settings, **address, **{"retries": 0} | DEFAULTS | options) as client:
        # A page of one item, so that a page above the limit is not retried with a smaller one.
        yield getattr(client, method)(**filters, until="2030-01-01", page_size=1)


@pytest.fixture(params=SERVICES, ids=[case[0] for case in SERVICES])
def case(request: pytest.FixtureRequest) -> Case:
    """Return each stream of each service."""
    found: Case = request.param
    return found


def got(case: Case, answer: bytes, *, sync: bool = True, **options: Any) -> list[Any]:
    """Return what the stream yields if the service sends these bytes for every request."""

    async def collect(url: str) -> list[Any]:
        with opened(case, url, **options) as stream:
            items: list[Any] = await stream.raw().ato_list(1)
            return items

    def send(connection: socket.socket) -> None:
        with suppress(OSError):  # the client closes the connection when it has read enough
            sending(answer)(connection)

    with listening(send) as url:
        if not sync:
            return anyio.run(collect, url)
        with opened(case, url, **options) as stream:
            items: list[Any] = stream.raw().to_list(1)
            return items


def answer(content: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Return a whole answer as bytes; a negative length leaves out Content-Length."""
    size = len(content) if length is None else length
    lines = [f"HTTP/1.1 {status}", "Connection: close", "Total-Number: 1", *headers]
    if size >= 0:
        lines.append(f"Content-Length: {size}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def page(case: Case, *items: Any) -> bytes:
    """Return a page with these items."""
    return orjson.dumps(case[3](list(items)))


ITEM = {"id": "1", "createdAt": "2026-01-01T00:00:00Z"}


def gzipped_in_members(content: bytes) -> bytes:
    """Compress as two gzip members, one after the other, which is valid gzip."""
    return gzip.compress(content[:5]) + gzip.compress(content[5:])


def bare_deflate(content: bytes) -> bytes:
    """Compress as raw deflate, as some servers send it."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-GZip", gzip.compress),
        ("gzip", gzipped_in_members),
        ("deflate", zlib.compress),
        ("deflate", bare_deflate),
        ("identity", bytes),
    ],
)
def test_requested_compression_is_decoded(case: Case, encoding: str, encode: Callable[[bytes], bytes]) -> None:
    """Multi-member gzip, and deflate with and without zlib headers, are decoded."""
    assert got(case, answer(encode(page(case, ITEM)), f"Content-Encoding: {encoding}")) == [ITEM]


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip\r\nContent-Encoding: gzip", "x\x9b31m"])
def test_unrequested_compression_is_an_error(case: Case, encoding: str) -> None:
    """The error names the compression in one safe line; nested compression is an error too."""
    with pytest.raises(logferry.ResponseShapeError, match="not asked for") as caught:
        got(case, answer(page(case, ITEM), f"Content-Encoding: {encoding}").decode().encode("latin-1"))
    assert "\x9b" not in str(caught.value)
    assert caught.value.url


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/octet-stream", "", "nonsense;;;"])
def test_json_is_read_with_any_content_type(case: Case, kind: str) -> None:
    """The body decides, not the content type."""
    assert got(case, answer(page(case, ITEM), f"Content-Type: {kind}")) == [ITEM]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html><body>Sign in</body></html>", "a web page, not JSON"),
        (b"not json", "no JSON"),
        (b'{"message": "all is well"}', "the answer is not"),
        (b"7", "the answer is not"),
        (b"null", "the answer is not"),
        (b"[" * 200_000, "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"\x00" * 1000, "no JSON"),
    ],
)
def test_a_body_that_is_not_a_page_is_an_error(case: Case, content: bytes, words: str) -> None:
    """The ResponseShapeError is one readable line and names the request."""
    with pytest.raises(logferry.ResponseShapeError, match=words) as caught:
        got(case, answer(content))
    assert len(str(caught.value).splitlines()) == 1
    assert (caught.value.status, caught.value.method) == (200, "GET")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "302 Found", "307 Temporary Redirect"])
def test_a_status_without_a_page_is_an_error(case: Case, status: str) -> None:
    """No content and redirects are not an empty result, and redirects are not followed."""
    with pytest.raises(logferry.ResponseShapeError, match=status):
        got(case, answer(b"", "Location: http://127.0.0.1:9/elsewhere", status=status, length=-1))


def test_a_304_may_have_a_content_length(case: Case) -> None:
    """The length of a 304 describes the page, so its empty body is not truncated."""
    with pytest.raises(logferry.ResponseShapeError, match="304"):
        got(case, answer(b"", status="304 Not Modified", length=1000))


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_a_truncated_page_is_retried(case: Case, sync: bool) -> None:
    """A body shorter than its length, and truncated gzip, are retried before they are an error."""
    content = page(case, ITEM)
    squeezed = gzip.compress(content)[:-9]
    for cut in (answer(content[:-5], length=len(content)), answer(squeezed, "Content-Encoding: gzip")):
        policy = logferry.RetryPolicy(attempts=3, first_delay=0)
        with pytest.raises(logferry.ConnectionFailedError) as caught:
            got(case, cut, sync=sync, retries=policy)
        assert caught.value.attempts == 3


def test_a_truncated_page_of_another_transport_is_retried() -> None:
    """A page shorter than its Content-Length is retried, even if the transport does not check it."""
    answers = [b'[{"id":', orjson.dumps([ITEM])]

    def answer_next(_request: httpx.Request) -> httpx.Response:
        length = str(len(orjson.dumps([ITEM])))
        return httpx.Response(200, content=answers.pop(0), headers={"Content-Length": length, "Total-Number": "1"})

    transport = httpx.MockTransport(answer_next)
    policy = logferry.RetryPolicy(attempts=2, first_delay=0)
    with logferry.Logto(
        endpoint="https://acme.logto.app", access_token="hush", transport=transport, retries=policy
    ) as logto:
        assert logto.audit_logs(until="2030-01-01").raw().to_list() == [ITEM]


def gzip_without_end(repeats: int) -> bytes:
    """Return one gzip stream of 10 MiB of spaces times *repeats*."""
    compressor = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    start = compressor.compress(b" ") + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(b" " * 10 * MIB) + compressor.flush(zlib.Z_FULL_FLUSH)
    return start + block * repeats


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: gzip_without_end(1000),
        lambda: gzip.compress(b" " * 10 * MIB) * 1000,
        lambda: b" " * (64 * MIB + 1),
    ],
    ids=["one stream", "members", "not compressed"],
)
def test_a_decompression_bomb_is_an_error(make: Callable[[], bytes], sync: bool) -> None:
    """10 MB that expand to 10 GB raise an error after 64 MiB, and memory never holds much more than that."""
    encoding = [] if make()[:2] == b"  " else ["Content-Encoding: gzip"]
    bomb = answer(make(), *encoding)
    tracemalloc.start()
    try:
        with pytest.raises(logferry.ResponseShapeError, match="larger than 67,108,864 bytes"):
            got(SERVICES[3], bomb, sync=sync)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80 * MIB


def test_empty_gzip_members_end() -> None:
    """A series of empty gzip members does not run for ever."""
    body = Body("gzip", limit=1000)
    nothing = gzip.compress(b"")
    for _ in range(1000 // len(nothing)):
        body.add(nothing)
    with pytest.raises(logferry.ResponseShapeError, match="larger than 1,000 bytes"):
        body.add(nothing)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
@pytest.mark.parametrize("encode", [gzip.compress, gzipped_in_members, zlib.compress, bare_deflate])
def test_chunks_of_any_size_give_the_same_page(encode: Callable[[bytes], bytes], size: int) -> None:
    """The size of the network's chunks does not change the page."""
    content = bytes(range(256)) * 2000
    squeezed = encode(content)
    body = Body("gzip" if squeezed[:2] == b"\x1f\x8b" else "deflate", limit=len(content))
    for start in range(0, len(squeezed), size):
        body.add(squeezed[start : start + size])
    assert body.complete(None) == content


def test_an_item_nested_too_deeply_does_not_lose_the_page() -> None:
    """A value nested too deeply becomes a text that says so, and the rest of the page stays."""
    for levels in (200, 900, 1100, 100_000):
        deep = b'{"a":' * levels + b'"[{\\""' + b"}" * levels
        content = b'[{"id": "]}{[", "deep": ' + deep + b'}, {"id": "\\\\"}, 7]'
        with logferry.Logto(
            endpoint="https://acme.logto.app",
            access_token="hush",
            transport=httpx.MockTransport(
                lambda _request, content=content: httpx.Response(200, content=content, headers={"Total-Number": "3"})
            ),
        ) as logto:
            items = logto.audit_logs(until="2030-01-01").raw().to_list()
            records = logto.audit_logs(until="2030-01-01").records().to_list()
        assert [items[0]["id"], *items[1:]] == ["]}{[", {"id": "\\"}, 7]
        assert [orjson.loads(record.to_json(raw=True))["uid"] for record in records]


MANY = {
    "objects": b"[" + b"{}," * 1_000_000 + b"{}]",
    "arrays in an array": b"[[" + b"[]," * 1_000_000 + b"[]]]",
    "arrays behind spaces": b"[" + b"[ ]," * 1_000_000 + b"[ ]]",
    "numbers": b"[" + b"0," * 1_000_000 + b"0]",
    "texts": b"[" + b'"",' * 1_000_000 + b'""]',
    "members": b"[{" + b'"a":0,' * 1_000_000 + b'"a":0}]',
    "what only the tolerant way reads": b"\xef\xbb\xbf[" + b"NaN," * 1_000_000 + b"0]",
}


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@pytest.mark.parametrize("content", MANY.values(), ids=MANY)
def test_a_page_of_too_many_values_is_an_error(content: bytes, sync: bool) -> None:
    """More than a million values are an error, with any nesting and any decoder."""
    squeezed = answer(gzip.compress(content, 1), "Content-Encoding: gzip")
    with pytest.raises(logferry.ResponseShapeError, match="more than 1,000,000 values") as caught:
        got(SERVICES[4], squeezed, sync=sync)
    assert caught.value.method == "GET"


def test_every_stream_bounds_the_values_of_a_page(case: Case) -> None:
    """The bound applies to the whole answer, with any envelope around the items."""
    content = page(case, 0).replace(b"[0]", MANY["objects"])
    with pytest.raises(logferry.ResponseShapeError, match="more than 1,000,000 values"):
        got(case, answer(content))


def test_a_page_of_63_mib_of_empty_objects_is_an_error() -> None:
    """62 kB on the wire expand to 22 million items, which would need 12 GiB."""
    content = b"[" + b"{}," * (21 * MIB - 1) + b"{}]"
    squeezed = answer(gzip.compress(content), "Content-Encoding: gzip")
    assert len(squeezed) < 70_000
    tracemalloc.start()
    try:
        with pytest.raises(logferry.ResponseShapeError, match="more than 1,000,000 values"):
            got(SERVICES[4], squeezed)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500 * MIB


def test_separators_within_strings_are_not_counted() -> None:
    """A large page of strings that hold JSON is counted by its items."""
    text = orjson.dumps({"a": [[], {}] * 500, "b": '\\"'}).decode()
    items = [{"id": str(number), "createdAt": "2026-01-01T00:00:00Z", "text": text} for number in range(1000)]
    assert orjson.dumps(items).count(b",") > 1_000_000
    assert got(SERVICES[4], answer(orjson.dumps(items))) == items[:1]


def test_token_answers_and_error_bodies_are_bounded() -> None:
    """The bound also applies to answers that are not pages."""
    body = b'{"error": "invalid_client", "x": %s}' % MANY["objects"]
    for status, words in ((200, "more than 1,000,000 values"), (403, "403 Forbidden")):
        transport = httpx.MockTransport(lambda _request, status=status: httpx.Response(status, content=body))
        options: Any = {"retries": 0, "transport": transport}
        with (
            logferry.Logto(endpoint="https://acme.logto.app", app_id="a", app_secret="hush", **options) as logto,
            pytest.raises(logferry.LogferryError, match=words) as caught,
        ):
            logto.audit_logs().to_list()
        assert (caught.value.method, caught.value.code) == ("POST", None)


def test_json_in_a_string_of_an_item_is_bounded() -> None:
    """A string with a million JSON values stays a string in the record."""
    text = (b'{"error": "made-up", "x": %s}' % MANY["objects"]).decode()
    logs: dict[str, Any] = {
        "logto.audit_logs": {"id": "1", "payload": {"result": "Error", "error": text}},
        "daily.api_logs": {"id": "1", "status": 400, "response": text},
    }
    for name, item in logs.items():
        case = next(case for case in SERVICES if case[0] == name)
        content = page(case, item)
        transport = httpx.MockTransport(
            lambda _request, content=content: httpx.Response(200, content=content, headers={"Total-Number": "1"})
        )
        with opened(case, "https://fake.example", transport=transport) as stream:
            (record,) = stream.records().to_list(1)
        assert record.attributes["error.type"] in {"_OTHER", "400"}
