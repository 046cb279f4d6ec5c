"""
Feeds damaged data to all code that reads data from outside, and reports inputs that raise other errors than logferry's own.

Inputs are mutations of real samples: cut, repeated, swapped, with odd pieces inserted.  A finding is printed with the input that
reproduces it, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
from attrs import define, field, frozen

from logferry import LogferryError
from logferry._accounts.accounts import find_accounts
from logferry._accounts.registry import SERVICES
from logferry._config.secrets import read_reference
from logferry._errors import ConfigurationError
from logferry._http.body import Body
from logferry._http.messages import Response
from logferry._http.responses import Refusal, decoded
from logferry._http.retry import retry_after
from logferry._json import is_array, is_object
from logferry._records.origin import Origin
from logferry._redaction import public_url
from logferry._streams.checkpoint import read_checkpoint
from logferry._time.timestamps import MILLISECOND, number_to_nano, rfc3339, text_to_nano, unix_nano, utc_datetime
from logferry.services.cognigy import _streams as cognigy
from logferry.services.daily._records import metric_to_nano
from logferry.services.signalwire._links import PageAddress, next_page
from logferry_clients.cognigy.types import Request

SAMPLES: Final = Path(__file__).parents[1] / "tests" / "samples"
SHOWN: Final = 2000

PIECES: Final = (
    b"", b"\x00", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"NaN", b"-Infinity", b"1e999", b"-0", b"99999999999999999999",
    b'"\\ud800"', b"\\u0000", b"null", b"[]", b"{}", b'{"":null}', b"[[[[[[[[", b"]]", b'"', b"\\", b"../", b"%2e%2e", b"%",
    b"%ff", b"?", b"#", b"@", b":", b"://", b"//", b"[::1]", b"&&", b"=", b"page_token=", b"next=", b"+00:00", b"Z", b"T",
    b"W53", b"-", b".", b"0000", b"9999", b"Feb", b"GMT", b"(", b"\xd9\xa3", b"\xe2\x80\xae", b"'", b"#\n", b"[a]\n", b"\x1b[31m",
)  # fmt: skip


@frozen
class Target:
    """
    Code that reads data from outside.

    Attributes:
        seeds: Valid inputs.
        run: Reads one input; may raise only errors of logferry.
    """

    seeds: list[bytes]
    run: Callable[[bytes], object]


@define
class Outcome:
    """
    The result of fuzzing a target.

    Attributes:
        runs: Number of inputs.
        refused: Number of inputs that raised an error of logferry.
        findings: By kind of error, the first input that raised it, and the error.
    """

    runs: int = 0
    refused: int = 0
    findings: dict[str, tuple[bytes, BaseException]] = field(factory=dict[str, "tuple[bytes, BaseException]"])


def mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    """Return a seed with a few mutations."""
    data = chance.choice(seeds)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 4, 16, 64)))
        match chance.randrange(7):
            case 0:
                data = data[:start] + data[end:]
            case 1:
                data = data[:start] + chance.choice(PIECES) + data[start:]
            case 2:
                data = data[:start] + chance.choice(PIECES) + data[end:]
            case 3:
                data = data[:start] + data[start:end] * chance.choice((2, 3, 20, 300)) + data[end:]
            case 4:
                data = data[:start] + bytes(chance.randrange(256) for _ in range(end - start)) + data[end:]
            case 5:
                other = chance.choice(seeds)
                cut = chance.randint(0, len(other))
                data = data[:start] + other[cut : cut + 64] + data[end:]
            case _:
                data = data[:start]
    return data


def fuzzed(target: Target, *, seconds: float, seed: int) -> Outcome:
    """Feed a target for this number of seconds."""
    chance, outcome, end = random.Random(seed), Outcome(), time.monotonic() + seconds  # noqa: S311  # no secret
    while time.monotonic() < end:
        data = mutated(target.seeds, chance)
        outcome.runs += 1
        try:
            target.run(data)
        except LogferryError as error:
            outcome.refused += 1
            if len(str(error).splitlines()) != 1:
                outcome.findings.setdefault("an error of several lines", (data, error))
        except Exception as error:  # noqa: BLE001  # any other error is a finding
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else "?"
            outcome.findings.setdefault(f"{type(error).__name__} in {where}", (data, error))
    return outcome


def text(data: bytes) -> str:
    """Return the input as a text, with lone surrogates for bytes that are no UTF-8."""
    return data.decode("utf-8", "surrogateescape")


def response(content: bytes = b"", **headers: bytes) -> Response[Any]:
    """Return a response with this body."""
    lines = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return Response(
        request=Request(method="GET", path="/logs", params=(), headers=(), form=None, json=None, parse=dict),
        url="https://c.example/logs",
        status=200,
        headers=lines,
        content=content,
        received_unix_nano=0,
    )


def no_refusal(_status: int, _body: Mapping[str, Any]) -> Refusal:
    """Return the refusal of a service that explains nothing."""
    return Refusal()


def read_times(data: bytes) -> None:
    """Feed all readers of times; a time that was read can be written."""
    words = text(data)
    number = json_value(data)
    found = [
        text_to_nano(words),
        text_to_nano(number),
        number_to_nano(number, MILLISECOND),
        metric_to_nano({"time": number}),
    ]
    for nanoseconds in found:
        if nanoseconds is not None:
            rfc3339(nanoseconds)
            utc_datetime(nanoseconds)
    try:
        unix_nano(words)
    except (ValueError, OverflowError):  # the documented errors, which its callers expect
        return


def json_value(data: bytes) -> object:
    """Return the input as a JSON value, or ``None`` if it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def read_links(data: bytes) -> None:
    """Feed the readers of links to next pages."""
    asked = "https://acme.signalwire.com/api/video/logs?page_size=50"
    for link in (text(data), json_value(data)):
        for read in (
            lambda: next_page(link, asked=asked, current=PageAddress(3, 50, "PA")),  # noqa: B023  # called at once
            lambda: cognigy._next_cursor(response(), {"_links": {"next": {"href": link}}}),  # noqa: B023, SLF001  # pyright: ignore[reportPrivateUsage]
            lambda: cognigy._next_cursor(response(), {"nextCursor": link}),  # noqa: B023, SLF001  # pyright: ignore[reportPrivateUsage]
        ):
            try:
                read()
            except LogferryError as error:
                if len(str(error).splitlines()) != 1:
                    raise AssertionError("several lines") from error


MOST_REQUESTS: Final = 20
"""A walk through two pages sends no more requests, whatever cursor the first page names."""


@define
class Naming:
    """
    A service whose first page names a given cursor of the next page; the second page names none.

    Attributes:
        stream: The stream that requests the pages.
        path: The path of the requests.
        first: Makes the body of the first page.
        last: The body of the second page.
        cursor: The cursor that the first page names.
        asked: Number of requests so far.
    """

    stream: str
    path: str
    first: Callable[[object], object]
    last: object
    cursor: object = None
    asked: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer; fail if a request goes to another address, or if paging does not end."""
        if (request.url.host, request.url.path) != ("c.example", self.path):
            raise AssertionError(f"asked elsewhere: {request.url}")
        self.asked += 1
        if self.asked > MOST_REQUESTS:
            raise AssertionError("endless")
        body = (
            self.last if {"starting_after", "page_token", "next"} & {*request.url.params} else self.first(self.cursor)
        )
        return httpx.Response(200, content=json.dumps(body).encode())

    def read(self, client: Any, cursor: object, filters: dict[str, str]) -> None:
        """Walk, and resume where an error ended the walk."""
        self.cursor, self.asked = cursor, 0
        begun = client.stream(self.stream, filters=filters, until="2030-01-01").raw()
        first = next(iter(begun), None)
        again = client.stream(self.stream, resume=begun.checkpoint).raw()
        if first is None:
            return
        try:
            again.to_list()
        except LogferryError as error:
            if len(str(error).splitlines()) != 1:
                raise AssertionError("several lines") from error
            client.stream(self.stream, resume=error.checkpoint)


def naming() -> list[tuple[Naming, Any, dict[str, str]]]:
    """Return every way in which a service names its next page, with a client that uses it."""
    project = {"project_id": "p" * 24}
    linked: dict[str, Any] = {"data": [{"id": "a"}], "links": {}}
    entries, path = {"items": [{"_id": "a"}]}, f"/v2.1/projects/{project['project_id']}/logs"
    firsts: tuple[Callable[[object], object], ...] = (
        lambda cursor: {**entries, "nextCursor": cursor},
        lambda cursor: {**entries, "next": cursor},
        lambda cursor: {**entries, "_links": {"next": {"href": cursor}}},
        lambda cursor: {**entries, "_links": {"next": cursor}},
    )
    ways: list[tuple[Naming, dict[str, str]]] = [
        (Naming("daily.api_logs", "/v1/logs/api", lambda cursor: [{"id": "a"}, {"id": cursor}], []), {}),
        (
            Naming(
                "daily.meetings", "/v1/meetings", lambda cursor: {"data": [{"id": "a"}, {"id": cursor}]}, {"data": []}
            ),
            {},
        ),
        (
            Naming(
                "signalwire.video_logs",
                "/api/video/logs",
                lambda cursor: {**linked, "links": {"next": cursor}},
                {**linked, "data": [{"id": "b"}]},
            ),
            {},
        ),
        *((Naming("cognigy.project_logs", path, first, {"items": [{"_id": "b"}]}), project) for first in firsts),
    ]
    bases = {"daily": "https://c.example/v1", "signalwire": "https://c.example", "cognigy": "https://c.example"}
    made: list[tuple[Naming, Any, dict[str, str]]] = []
    for way, filters in ways:
        service = next(one for one in SERVICES if way.stream.startswith(f"{one.name}."))
        given = {key: "x" for key in service.all_settings if key not in {"base_url", "space", "type_brackets"}}
        given |= {"base_url": bases[service.name], **(project if filters else {})}
        client: Any = service.client
        made.append((way, client(**given, transport=httpx.MockTransport(way), retries=0), filters))
    return made


def cursors() -> Callable[[bytes], None]:
    """Return a target that walks every stream that follows cursors or links, with the input as the cursor."""
    ways = naming()

    def read(data: bytes) -> None:
        for way, client, filters in ways:
            for cursor in (text(data), json_value(data)):
                try:
                    way.read(client, cursor, filters)
                except LogferryError as error:
                    if len(str(error).splitlines()) != 1:
                        raise AssertionError("several lines") from error

    return read


def read_checkpoints(data: bytes) -> None:
    """Feed the reader of checkpoints, with the digest as it is and renewed; a checkpoint that was read can be written."""
    for words in (text(data), _resealed(data)):
        checkpoint = read_checkpoint(words)
        if read_checkpoint(checkpoint.to_text()) != checkpoint:
            raise AssertionError("the checkpoint does not survive a round trip")
        for service in SERVICES:
            for stream in service.client.streams:
                if stream.name == checkpoint.stream:
                    _opened(service.client, stream.name, words)


def _opened(client: Any, name: str, resume: str) -> None:
    given = {
        "endpoint": "https://l.example",
        "base_url": "https://l.example",
        "api_token": "x",
        "access_token": "x",
        "api_key": "x",
        "project_id": "p" * 24,
    }
    known = {*client.settings, *client.optional_settings} - {"space"}
    client(**{key: value for key, value in given.items() if key in known}).stream(name, resume=resume)


def _resealed(data: bytes) -> str:
    from logferry._streams.checkpoint import (  # noqa: PLC0415  # only a forger renews the digest
        _digest,  # pyright: ignore[reportPrivateUsage]
        _dumps,  # pyright: ignore[reportPrivateUsage]
    )

    fields = json_value(data)
    if not is_object(fields):
        return ""
    sealed = {key: value for key, value in fields.items() if key != "digest"}
    try:
        return _dumps(sealed | {"digest": _digest(sealed)})
    except (ValueError, RecursionError, TypeError):
        return ""


STREAMS: Final = [(service.client, stream) for service in SERVICES for stream in service.client.streams]


def read_bodies(data: bytes) -> None:
    """Feed bodies of responses: each item of a page becomes a record of each stream, and the record can be written."""
    value = decoded(response(data, content_type=b"application/json"), no_refusal)
    for item in _items(value)[:20]:
        for _, stream in STREAMS:
            origin = Origin(
                stream=stream.name,
                account="a",
                server_address="h",
                observed_time_unix_nano=0,
                normalizer=stream.normalizer,
            )
            if stream.fits(item):
                record = stream.normalizer.record(item, origin)
                stream.entry(item)
            else:
                repaired = stream.repair(item)
                record = stream.normalizer.record(repaired.value, origin).as_received(item, repaired.issues)
                if not repaired.issues:
                    raise AssertionError("an item that does not fit has no issues")
                if repaired.complete:
                    stream.entry(repaired.value)
            json.loads(record.to_json(raw=True))
            hash(record)


def _items(value: object) -> list[Any]:
    if is_object(value):
        for member in value.values():
            if is_array(member):
                return member
    return value if is_array(value) else [value]


def read_refusals(data: bytes) -> None:
    """Feed error bodies to the readers of every service."""
    from logferry.services.cognigy._account import api_refusal as cognigy_refusal  # noqa: PLC0415
    from logferry.services.daily._account import refusal as daily  # noqa: PLC0415  # only needed here
    from logferry.services.logto._account import (  # noqa: PLC0415
        _token_refusal,  # pyright: ignore[reportPrivateUsage]
        api_refusal,
    )
    from logferry.services.signalwire._account import api_refusal as signalwire  # noqa: PLC0415

    for status in (200, 302, 400, 401, 403, 404, 422, 429, 503):
        for read in (daily, api_refusal, _token_refusal, signalwire, cognigy_refusal):
            answer = response(data)
            try:
                decoded(Response(answer.request, answer.url, status, answer.headers, data, 0), read)
            except LogferryError as error:
                if len(str(error).splitlines()) != 1 or len(str(error)) > SHOWN:
                    raise AssertionError("no readable line") from error


def read_compressed(data: bytes) -> None:
    """Feed compressed bodies, in chunks."""
    for encoding in ("gzip", "deflate", text(data[:9])):
        try:
            body = Body(encoding, limit=1 << 20)
            for start in range(0, len(data), 7):
                body.add(data[start : start + 7])
            body.complete(text(data[:3]))
        except LogferryError:
            continue


def read_retry_after(data: bytes) -> None:
    """Feed the header ``Retry-After``, beside a ``Date``."""
    for date in (b"", data, b"Fri, 20 Nov 2026 08:00:00 GMT"):
        wanted = retry_after(response(retry_after=data, date=date))
        if wanted is not None and not wanted >= 0:
            raise AssertionError(wanted)


def read_configuration(data: bytes) -> None:
    """Feed ``logferry.toml``, and open the clients of its accounts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "logferry.toml")
        path.write_bytes(data)
        for account in find_accounts(path):
            # Mutation can make up a command, which must not run.
            if all(isinstance(value, str | bool) for value in account.values.values()):
                account.open()


def read_references(data: bytes) -> None:
    """Feed references to secrets."""
    read_reference(json_value(data), setting="app_secret", folder=Path(), trusted=False).look_up()


def read_urls(data: bytes) -> None:
    """Feed addresses that logferry shows."""
    try:
        public_url(text(data))
    except ValueError:  # urllib raises it for text that is no URL; callers have a URL that was sent, or catch it
        return
    for service in SERVICES:
        settings = dict.fromkeys(("endpoint", "base_url"), text(data))
        known = {key: value for key, value in settings.items() if key in service.all_settings}
        try:
            client: Any = service.client
            client(**known, **{key: "x" for key in service.all_settings if key not in known})
        except ConfigurationError:
            continue


def samples(pattern: str) -> list[bytes]:
    """Return real payloads."""
    found = [path.read_bytes() for path in sorted(SAMPLES.glob(pattern))]
    # The pages are long, so their first items are seeds too.
    items = [json.dumps(item).encode() for one in found for item in _items(json.loads(one))[:5]]
    return [one for one in found if len(one) < 20_000] + items  # noqa: PLR2004  # long inputs are slow, and find no more


def checkpoints() -> list[bytes]:
    """Return checkpoints of each stream."""
    from logferry._streams.checkpoint import Checkpoint  # noqa: PLC0415
    from logferry._time.window import Window  # noqa: PLC0415

    trail = {"mark": 5, "recent": {"a": 5, "b": None}}
    positions: Mapping[str, Any] = {
        "logto.audit_logs": {"row": 20, "total": 40, "trail": trail, "ended": False},
        "daily.api_logs": {"after": "a", "trail": trail, "ended": False},
        "daily.meetings": {"cursor": "a", "recent": ["a"], "delivered": ["b"], "ended": False},
        "cognigy.project_logs": {"cursor": "a", "recent": ["a"], "delivered": ["b"], "ended": False},
        "signalwire.video_logs": {"page": {"number": 1, "size": 50, "token": "PA"}, "recent": ["a"], "ended": False},
    }
    return [
        Checkpoint(
            stream=stream.name,
            filters={"project_id": "p" * 24} if "project_id" in stream.needs_one_of else {},
            asked=("24h", None),
            window=Window(10**18, 2 * 10**18),
            position=position,
        )
        .to_text()
        .encode()
        for _, stream in STREAMS
        for position in (None, positions.get(stream.name))
    ]


CONFIGURATION: Final = b"""[accounts.login]
service = "logto"
endpoint = "https://acme.logto.app"
app_id = "m2m-app"
app_secret = { env = "ACME_LOGTO_SECRET" }
[accounts."b c"]
service = "signalwire"
space = "acme"
project_id = "p"
api_token = "t"
allow_insecure = true
[accounts.d]
service = "daily"
api_key = "k"
base_url = "http://127.0.0.1:80/v1"
"""


def targets() -> dict[str, Target]:
    """Return the targets, by name."""
    import gzip  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    times = [
        b"2026-11-20T08:47:06.496000000Z", b"2026-11-20 08:47:06,5+01:00", b"20261120T084706Z", b"2026-W47-5", b"2026-11-20",
        b"1763628426496", b"1763628426496.5", b"-1", b"9999-12-31T23:59:59.999999999-23:59", b"0001-01-01T00:00:00+23:59",
    ]  # fmt: skip
    links = [
        b"https://acme.signalwire.com/api/video/logs?page_number=4&page_size=50&page_token=PAabc",
        b"/api/video/logs?page_number=4&page_token=PA", b"http://c.example/logs?next=abc&limit=100", b'"x"', b"[1]", b"{}",
    ]  # fmt: skip
    names = [
        b"6512bd43d9caa6e02c990b0a",
        b'{"page": 2}',
        b"http://c.example/v2.1/projects/pppppppppppppppppppppppp/logs?next=a",
    ]
    waits = [
        b"120",
        b"1.5",
        b"Fri, 20 Nov 2026 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ]
    references = [
        b'{"env": "HOME"}',
        b'{"file": "/etc/passwd"}',
        b'{"command": ["pass", "x"]}',
        b'{"command": []}',
        b'"x"',
    ]
    page = b'[{"id":"a"}]' * 50
    urls = [
        b"https://acme.logto.app",
        b"http://127.0.0.1:3001/api",
        b"https://user:pw@h.example:443/p?q=1#f",
        b"http://[::1]/",
    ]
    return {
        "times": Target(times, read_times),
        "links": Target(links, read_links),
        "cursors": Target([*links, *names], cursors()),
        "checkpoints": Target(checkpoints(), read_checkpoints),
        "bodies": Target(samples("**/*example.json") + samples("logto/list*/logs.json"), read_bodies),
        "refusals": Target(samples("logto/probes/*.json"), read_refusals),
        "compression": Target([gzip.compress(page), zlib.compress(page)], read_compressed),
        "retry-after": Target(waits, read_retry_after),
        "configuration": Target([CONFIGURATION], read_configuration),
        "references": Target(references, read_references),
        "urls": Target(urls, read_urls),
    }


def main() -> int:
    """Fuzz, and print a table."""
    known = targets()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(known)}; default: all")
    parser.add_argument("--seconds", type=float, default=20, help="seconds for each target; default: 20")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; default: a random seed")
    chosen = parser.parse_args()
    for name in chosen.targets:
        if name not in known:
            parser.error(f"unknown target {name!r}; the targets are {', '.join(known)}")
    seed = random.randrange(1 << 32) if chosen.seed is None else chosen.seed  # noqa: S311  # no secret
    print(f"seed {seed}\n{'target':<14}{'runs':>12}{'refused':>12}{'findings':>10}")
    failed = False
    for name in chosen.targets or known:
        outcome = fuzzed(known[name], seconds=chosen.seconds, seed=seed)
        print(f"{name:<14}{outcome.runs:>12,}{outcome.refused:>12,}{len(outcome.findings):>10}", flush=True)
        for what, (data, error) in outcome.findings.items():
            failed = True
            print(f"  {what}: {str(error)[:200]!r}\n    input: {data[:SHOWN]!r}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
