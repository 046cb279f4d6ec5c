"""A service needs only ``logferry.extend``."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import pytest
from attrs import define, field
from tests.extend.acorn import Acorn

import logferry
import logferry.extend
from logferry.extend import MILLISECOND, SECOND, Send, basic, fetch, get
from logferry.testing import Fake, FakeRequest, FakeResponse, InProcessTransport, connected, failing

EPOCH: Final = 1_795_164_426_000_000_000
JSON: Final = ("Content-Type", "application/json")
KEY: Final = "acorn-key-0123456789"
NUMBER: Final = 250
Walk = Callable[[Any], Iterator[Any]]


@define
class AcornFake:
    """Acorn: one event a second, the newest at the epoch; the cursor of a page is the id of its last event."""

    epoch: int = EPOCH
    settings: Mapping[str, str] = field(factory=lambda: {"api_key": KEY})
    streams: tuple[str, ...] = ("acorn.events",)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return all events, newest first; one has no time."""
        return [
            {
                "id": f"e{number}",
                "at": (self.epoch - number * SECOND) // MILLISECOND,
                "text": f"event {number}",
                "kind": ("created", "deleted")[number % 2],
                "user": "u1",
                "token": "secret-value",
            }
            for number in range(NUMBER)
        ]

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:  # noqa: ARG002  # a fake is asked so
        """Return a page, or the refusal of a wrong key."""
        if request.header("Authorization") != f"Bearer {KEY}":
            return FakeResponse(401, (JSON,), b'{"code":"bad_key","message":"no such key"}')
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        found = [
            one
            for one in self.events
            if int(query.get("since", 0)) <= one["at"] < int(query["until"])
            and query.get("kind", one["kind"]) == one["kind"]
        ]
        ids = [one["id"] for one in found]
        begin = ids.index(query["cursor"]) + 1 if "cursor" in query else 0
        page = found[begin : begin + int(query["size"])]
        more = begin + len(page) < len(found)
        return FakeResponse(200, (JSON,), orjson.dumps({"events": page, "next": page[-1]["id"] if more else None}))

    def violations(self, request: FakeRequest) -> list[str]:  # noqa: ARG002  # a fake is asked so
        """Return no violations, since there is no spec."""
        return []

    def truth(self, *_: Any, **__: Any) -> Sequence[str]:
        """Return the ids of all events."""
        return [one["id"] for one in self.events]

    def identity(self, stream: str, item: Any) -> str:  # noqa: ARG002  # a fake is asked so
        """Return the id of an event."""
        return str(item["id"])

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:  # noqa: ARG002  # a fake is asked so
        """Return one query, for all events."""
        return ({},)


FAKE: Fake = AcornFake()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_records_of_an_external_service_come_once_and_in_order(walk: Walk, concurrency: int) -> None:
    """The records come in the order of the service, sync and async, as normalized and without secrets."""
    with connected(Acorn, FAKE, concurrency=concurrency) as acorn:
        records: list[logferry.LogRecord] = list(walk(acorn.events(page_size=60).records()))
    assert [record.uid for record in records] == [f"acorn:acorn:e{number}" for number in range(NUMBER)]
    assert (records[3].time_unix_nano, records[3].body) == (EPOCH - 3 * SECOND, "event 3")
    assert records[3].attributes == {"acorn.kind": "deleted", "user.id": "u1", "acorn.token": "******"}
    assert records[3].resource == {"service.name": "acorn", "server.address": "fake.example"}
    assert pickle.loads(pickle.dumps(records[3])) == records[3]  # noqa: S301  # made here


def test_raw_items_pages_and_entries_are_as_sent(walk: Walk) -> None:
    """Without a model of its own, an entry is the item."""
    with connected(Acorn, FAKE) as acorn:
        stream = acorn.events(since="1h", page_size=100)
        assert list(walk(stream.raw())) == list(walk(stream)) == AcornFake().events
        assert [len(page.items) for page in walk(stream.raw().pages())] == [100, 100, 50]


def test_windows_and_filters_apply(walk: Walk) -> None:
    """The window is half-open; a filter becomes a query parameter."""
    with connected(Acorn, FAKE) as acorn:
        moment = "2026-11-20T08:46:46Z"
        ids = [
            item["id"] for item in walk(acorn.events(kind="created", since=moment, until="2026-11-20T08:47:00Z").raw())
        ]
    assert ids == [f"e{number}" for number in range(8, 21, 2)]


def test_an_invalid_filter_value_is_refused() -> None:
    """The method and the stream by name both refuse it before any request."""
    transport = InProcessTransport(FAKE)
    with Acorn(api_key=KEY, base_url="https://acorn.example", transport=transport) as acorn:
        for open_ in (
            lambda: acorn.events(kind="eaten"),
            lambda: acorn.stream("acorn.events", filters={"kind": "eaten"}),
        ):
            with pytest.raises(
                logferry.InvalidRequestError, match="kind cannot be 'eaten': it is one of created, deleted"
            ):
                open_()
    assert not transport.requests


def test_a_checkpoint_resumes_after_the_last_delivered_item(walk: Walk) -> None:
    """This also holds within a page, and with another client."""
    with connected(Acorn, FAKE) as acorn:
        stream = acorn.events(page_size=100)
        first = [item["id"] for item, _ in zip(walk(stream.raw()), range(130), strict=False)]
        checkpoint = acorn.events(page_size=100, max_items=130)
        assert [item["id"] for item in checkpoint.to_list()] == first
    with connected(Acorn, FAKE) as acorn:
        rest = [item["id"] for item in walk(acorn.events(resume=checkpoint.checkpoint).raw())]
    assert first + rest == list(FAKE.truth("acorn.events"))


def test_failures_are_handled_as_for_every_service(walk: Walk) -> None:
    """A refusal has the message of the service; a transient failure is retried."""
    with (
        connected(Acorn, AcornFake(settings={"api_key": "wrong"})) as acorn,
        pytest.raises(logferry.AuthenticationError, match=r"no such key \[bad_key\]") as caught,
    ):
        next(walk(acorn.events()))
    assert (caught.value.service, caught.value.stream) == ("acorn", "acorn.events")
    with connected(Acorn, FAKE, faults=failing(FakeResponse(503), times=2)) as acorn:
        assert len(list(walk(acorn.events().raw()))) == NUMBER


def test_an_item_that_is_not_an_object_is_an_issue(walk: Walk) -> None:
    """A stream without shapes accepts every object; an item without a time has an issue; no other item is lost."""
    body = orjson.dumps({"events": [{"id": "a", "at": "soon"}, 7], "next": None})
    with connected(Acorn, FAKE, faults=failing(FakeResponse(200, (JSON,), body), times=9)) as acorn:
        records: list[logferry.LogRecord] = list(walk(acorn.events().records()))
        pages = list(walk(acorn.events().pages()))
    assert [record.issues for record in records] == [("at: no number of milliseconds",), ("no object",)]
    assert [(page.items, page.undecoded) for page in pages] == [([{"id": "a", "at": "soon"}], [7])]


def test_settings_come_from_arguments_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names are those of the service; the error for a missing setting names argument and variable."""
    with pytest.raises(logferry.ConfigurationError, match="ACORN_API_KEY and ACORN_BASE_URL"):
        Acorn()
    monkeypatch.setenv("ACORN_API_KEY", KEY)
    monkeypatch.setenv("ACORN_BASE_URL", "https://acorn.example/v1/")
    with Acorn.from_env() as acorn:
        assert repr(acorn) == "<Acorn account='acorn' https://acorn.example/v1>"


def test_a_request_repeats_the_parameters_of_a_list() -> None:
    """In order; None and empty lists are left out, a bool is true or false, and any name can be a parameter."""
    request = get(
        "/events", kind=["a", "b c"], page=2, ratio=0.5, deep=True, none=None, empty=(), path="/x", **{"l[]": (1, 2)}
    )
    assert (request.method, request.path) == ("GET", "/events")
    assert request.params == (
        ("kind", "a"), ("kind", "b c"), ("page", "2"), ("ratio", "0.5"), ("deep", "true"), ("path", "/x"), ("l[]", "1"),
        ("l[]", "2"),
    )  # fmt: skip
    sent = next(fetch(get, "/events", build="nightly"))
    assert isinstance(sent, Send)
    assert sent.request.params == (("build", "nightly"),)


def test_a_user_of_http_basic_has_no_colon() -> None:
    """A colon would end the user name in the header."""
    with pytest.raises(ValueError, match="colon"):
        basic("a:b", "c")


def test_the_example_of_the_docstring_is_this_service() -> None:
    """So the example runs and is type-checked, and it imports only ``logferry.extend`` from logferry."""
    source = (Path(__file__).parent / "acorn.py").read_text(encoding="utf-8")
    lines = (logferry.extend.__doc__ or "").split("::\n\n")[1].splitlines()
    assert [line.removeprefix("    ") for line in lines] == source.replace('"""', "'''").splitlines()
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if str(name).startswith("logferry")} == {"logferry.extend"}
