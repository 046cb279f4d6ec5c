"""Invalid items, for every stream: each is kept and names what did not decode, and none loses another."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from functools import cache, partial
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import httpx
import orjson
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

import logferry
from logferry._json import is_object, tolerant_loads

Path_: TypeAlias = tuple[str, ...]

SAMPLES = Path(__file__).parents[1] / "samples"
UNTIL = "9999-12-31"


@frozen
class Case:
    """
    A stream of a service that sends the given items.

    Attributes:
        name: The name of the stream.
        open: Opens it, with a transport and the options of the stream.
        items: Real items of the stream.
        envelope: Makes a page from items.
        time: The field with the time of an item; empty if none is documented.
    """

    name: str
    open: Callable[..., logferry.Stream[Any]]
    items: list[Any]
    envelope: Callable[[list[Any]], Any]
    time: str

    def streamed(self, items: list[Any], *, told: list[Any] | None = None, **options: Any) -> logferry.Stream[Any]:
        """Open the stream where the service has exactly these items."""

        def answer(request: httpx.Request) -> httpx.Response:
            query = parse_qs(request.url.query.decode())
            number, size = (int(query.get(name, [default])[0]) for name, default in (("page", "1"), ("page_size", "0")))
            start = (number - 1) * size + int(query.get("offset", ["0"])[0])
            rows = items[start : start + size if "page" in query else None]
            # Python's own JSON, so that NaN and lone surrogates are sent too.
            content = json.dumps(self.envelope([] if "starting_after" in query else rows))
            return httpx.Response(200, content=content.encode(), headers={"Total-Number": str(len(items))})

        hooks: dict[str, Any] = {} if told is None else {"on_issue": told.append}
        return self.open(httpx.MockTransport(answer), hooks, until=UNTIL, **options)


def daily(transport: Any, hooks: Any, *, method: str, given: dict[str, Any], **options: Any) -> logferry.Stream[Any]:
    stream: logferry.Stream[Any] = getattr(logferry.Daily(api_key="hush", transport=transport, **hooks), method)(
        **given, **options
    )
    return stream


def logto(transport: Any, hooks: Any, **options: Any) -> logferry.Stream[Any]:
    client = logferry.Logto(endpoint="https://acme.logto.app", access_token="hush", transport=transport, **hooks)
    return client.audit_logs(**options)


def signalwire(transport: Any, hooks: Any, **options: Any) -> logferry.Stream[Any]:
    client = logferry.SignalWire(space="acme", project_id="p", api_token="hush", transport=transport, **hooks)
    return client.video_logs(**options)


def cognigy(transport: Any, hooks: Any, **options: Any) -> logferry.Stream[Any]:
    client = logferry.Cognigy(base_url="https://c.example", api_key="hush", transport=transport, **hooks)
    return client.project_logs(project_id="a" * 24, **options)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


@cache
def cases() -> dict[str, Case]:
    """Every stream, by its name."""
    calls = sample("daily/list_logs/page_example.json")
    # A service sends items of the requested session.
    session, made_up = {"mtg_session_id": calls["logs"][0]["mtgSessionId"]}, {"mtg_session_id": "m"}
    found = [
        Case(
            "daily.session_logs",
            partial(daily, method="session_logs", given=session),
            calls["logs"][:2],
            lambda items: {"logs": items},
            "time",
        ),
        Case(
            "daily.session_metrics",
            partial(daily, method="session_metrics", given=made_up),
            [{"time": "2026-01-01T00:00:00Z", "mtgSessionId": "m", "video": {"send": {"bitrate": 1.5}}}],
            lambda items: {"metrics": items},
            "",
        ),
        Case(
            "daily.api_logs",
            partial(daily, method="api_logs", given={}),
            sample("daily/list_api_logs/page_example.json")[:2],
            list,
            "createdAt",
        ),
        Case(
            "daily.meetings",
            partial(daily, method="meetings", given={}),
            sample("daily/list_meetings/page_example.json")["data"][1:],
            lambda items: {"data": items, "total_count": len(items)},
            "start_time",
        ),
        Case("logto.audit_logs", logto, sample("logto/list_audit_logs/logs.json")[::50], list, "createdAt"),
        Case(
            "signalwire.video_logs",
            signalwire,
            [
                *sample("signalwire/page_example.json")["data"],
                {"id": "gone", "discarded_at": "2026-01-02T00:00:00Z", "created_at": "2026-01-01T00:00:00Z"},
            ],
            lambda items: {"data": items, "links": {}},
            "created_at",
        ),
        Case(
            "cognigy.project_logs",
            cognigy,
            [
                *sample("cognigy/page_example.json")["items"],
                {"_id": "b", "timestamp": "2026-01-01T00:00:00Z", "type": "info", "meta": {"userId": "u", "x": [1]}},
            ],
            lambda items: {"items": items},
            "timestamp",
        ),
    ]
    return {case.name: case for case in found}


@pytest.fixture(params=sorted(cases()))
def case(request: pytest.FixtureRequest) -> Case:
    """Return each stream."""
    return cases()[request.param]


def nested(levels: int) -> Any:
    value: Any = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"deeper": value}
    return value


ODD: list[Any] = [
    None, True, 0, -1, 7, 1.5, -0.0, 1e308, "", "x", "unknown-word", [], [None], {}, {"": None}, {"a": {"b": [1, "c"]}},
    2**63, 2**64 - 1, -(2**63), 9_999_999_999_999_999, -9_999_999_999_999_999, 253_402_300_800_000, "soon",
    "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "9999999999999999", "99999-01-01T00:00:00Z", "-1", "\x00\x1b[31m\u202e",
    "=1+1", "a" * 100_000, "\U0001f600", nested(90), nested(253), nested(400),
]  # fmt: skip
"""Values that no field, or only some fields, expect."""

WORSE: list[Any] = [
    float("nan"), float("inf"), {"a": [float("-inf")]}, "\ud800", {"\udfff": "\udc00x"}, 10**30, -(10**4000 // 3),
]  # fmt: skip
"""Values that only the slower decoder accepts."""


def paths(value: Any, prefix: Path_ = ()) -> Iterator[Path_]:
    """Return the paths to all fields, also in nested objects."""
    if is_object(value):
        for key, member in value.items():
            yield (*prefix, key)
            yield from paths(member, (*prefix, key))


def changed(item: Any, path: Path_, *value: Any) -> Any:
    """Return a copy with another value at a path, or none."""
    key, *rest = path
    if rest:
        return {**item, key: changed(item[key], tuple(rest), *value)}
    if value:
        return {**item, key: value[0]}
    return {name: member for name, member in item.items() if name != key}


def damaged(case: Case, values: list[Any]) -> list[Any]:
    """Return real items with one error each, and values that are no items, between valid ones."""
    made: list[Any] = []
    for item in case.items:
        made += [item, item]
        for path in paths(item):
            made.append(changed(item, path))
            # A value that is no number becomes a text; used as an id, a second item with it is a repetition.
            again = path in {("id",), ("_id",)} and item is not case.items[0]
            fitting = [value for value in values if not (again and isinstance(value, float) and not isfinite(value))]
            if path == ("mtgSessionId",):
                # An item of another session was not requested.
                fitting = [value for value in fitting if not isinstance(normalized(value), str)]
            made += [changed(item, path, value) for value in fitting]
    # Make the item unique, so that it is not taken for a repetition; the ids stay as they were, or damaged.
    for number, item in enumerate(made):
        made[number] = changed(item, ("serial",), number)
        for name in ("id", "_id"):
            if item.get(name) and isinstance(item[name], str):
                made[number] = changed(made[number], (name,), f"{item[name][:100]}-{number}")
    # A last item without id would end one of the streams in an error; another test covers it.
    last = changed(case.items[-1], ("id",), "last")
    return [*made[:2], None, 7, "text", True, 1.5, [], [1], *made[2:], {}, last]


def normalized(value: Any) -> Any:
    """Return a value after a round trip over the wire."""
    return tolerant_loads(json.dumps(value).encode())


@pytest.mark.parametrize("values", [ODD, WORSE], ids=["odd", "worse"])
def test_every_invalid_item_is_kept(case: Case, values: list[Any]) -> None:
    """With any error in an item, its record is at its position and its issues name the field."""
    items, told = damaged(case, values), list[Any]()
    records = case.streamed(items, told=told).records().to_list()
    raw = case.streamed(items).raw().to_list()
    assert len(records) == len(raw)
    assert [record.raw for record in records] == raw
    assert {orjson.dumps(_key(normalized(item))) for item in items} == {orjson.dumps(_key(item)) for item in raw}
    flagged = [record for record in records if record.issues]
    assert len(flagged) >= sum(not event.is_doubt for event in told)
    for record in records:
        line = orjson.loads(record.to_json(raw=True))
        assert orjson.loads(record.to_json()).keys() == line.keys() - {"raw"}
        assert all(issue.isprintable() and "a" * 1000 not in issue for issue in record.issues)
        assert line.get("issues", []) == list(record.issues)
        assert record.uid.startswith(case.name.partition(".")[0])
        assert isinstance(hash(record), int)
        assert isinstance(repr(record), str)
        if not is_object(record.raw):
            assert record.issues
            assert record.time_unix_nano == 0
        # Where times are counted from the epoch, 0 is a valid time.
        moment = (
            case.name in {"daily.meetings", "logto.audit_logs"}
            and is_object(record.raw)
            and record.raw.get(case.time) == 0
        )
        if record.time_unix_nano == 0 and case.time and is_object(record.raw) and not moment:
            assert any(issue.startswith(case.time) for issue in record.issues), record.raw


def _key(item: Any) -> Any:
    """Return the value that identifies an item of the test."""
    return [item["serial"]] if is_object(item) and "serial" in item else str(item)[:200]


@pytest.mark.parametrize("values", [ODD, WORSE], ids=["odd", "worse"])
def test_entries_leave_out_items_that_do_not_decode(case: Case, values: list[Any]) -> None:
    """On each page an item is an entry or in ``undecoded``; the hook gets each item with an issue."""
    items, told = damaged(case, values), list[Any]()
    count = len(case.streamed(items).raw().to_list())
    stream = case.streamed(items, told=told)
    pages = list(stream.pages())
    assert sum(len(page.items) + len(page.undecoded) for page in pages) == count
    undecoded = [item for page in pages for item in page.undecoded]
    assert [event.item for event in told if not event.delivered] == undecoded
    assert None in undecoded
    assert stream.stats.issues == sum(not event.is_doubt for event in told)
    assert stream.stats.items == count


def test_strict_raises_with_the_path(case: Case) -> None:
    """Strict mode names the path of the first field that does not decode, after the earlier items."""
    good, known = case.items[0], 0
    for path in paths(good):
        others: list[Any] = [None, 7, "x", [], {"a": 1}]
        for value in others:
            bad = changed(changed(good, path, value), ("serial",), 1)
            items = [good, bad, changed(good, ("id",), "last")]
            issues = [event.issues for event in _issues(case, items) if not event.is_doubt]
            stream = case.streamed(items, strict=True)
            if not issues:
                continue
            known += 1
            got = iter(stream.records())
            assert next(got).raw == good
            with pytest.raises(logferry.ResponseShapeError) as caught:
                next(got)
            assert path[0] in str(caught.value)
            assert len(str(caught.value).splitlines()) == 1
            resumed = case.streamed(items, resume=caught.value.checkpoint)
            assert next(iter(resumed.records())).raw == bad
    assert known or case.name == "daily.session_metrics"
    with pytest.raises(logferry.ResponseShapeError):
        case.streamed([None], strict=True).to_list()


def _issues(case: Case, items: list[Any]) -> list[Any]:
    told: list[Any] = []
    case.streamed(items, told=told).records().to_list()
    return told


def test_an_unreadable_time_passes_every_window(case: Case) -> None:
    """An unreadable time becomes 0 with an issue, and neither ends a walk nor loses later items."""
    if not case.time:
        return
    good = case.items[0]
    times: list[Any] = ["soon", "", None, 9_999_999_999_999_999, -(2**63), "0000-01-01T00:00:00Z", True, {}]
    timeless = [changed(changed(good, (case.time,), time), ("id",), f"t{n}") for n, time in enumerate(times)]
    if "_id" in good:
        timeless = [changed(item, ("_id",), item["id"]) for item in timeless]
    items = [good, *timeless, changed(good, ("_id" if "_id" in good else "id",), "last")]
    for since in (None, "2000-01-01"):
        records = case.streamed(items, since=since).records().to_list()
        assert [record.raw for record in records] == items
        assert [record.time_unix_nano == 0 for record in records] == [False, *[True] * len(times), False]
        assert all(any(case.time in issue for issue in record.issues) for record in records[1:-1])
    # A window without any valid item still has these.
    found = case.streamed(items, since="9998-01-01").records().to_list()
    assert [record.raw for record in found] == timeless


def test_a_byte_order_mark_is_skipped(case: Case) -> None:
    """Some proxies put a byte order mark in front of a body."""
    content = b"\xef\xbb\xbf" + json.dumps(case.envelope(case.items)).encode()
    answer = httpx.Response(200, content=content, headers={"Total-Number": str(len(case.items))})
    stream = case.open(httpx.MockTransport(lambda _request: answer), {}, until=UNTIL)
    assert stream.raw().to_list(len(case.items)) == case.items


@cache  # to build it anew for each draw costs more than to draw
def json_values() -> st.SearchStrategy[Any]:
    """Return any JSON value."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(ODD[:30])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=10,
    )


@pytest.mark.parametrize("name", sorted(cases()))
@settings(max_examples=60, derandomize=True)
@given(data=st.data())
def test_any_values_become_records(name: str, data: st.DataObject) -> None:
    """Items with any values anywhere become records that can be written and pickled, without an error."""
    case = cases()[name]
    item = data.draw(st.sampled_from(case.items))
    for _ in range(data.draw(st.integers(1, 4))):
        found = list(paths(item))
        if found:
            item = changed(item, data.draw(st.sampled_from(found)), data.draw(json_values()))
    items = [case.items[0], item, data.draw(json_values())]
    for view in ("records", "raw"):
        try:
            got = getattr(case.streamed(items), view)().to_list()
        except logferry.PagingError:
            assert case.name in {"daily.api_logs", "daily.meetings"}  # the last one has no id
            continue
        for one in got:
            if view == "records":
                assert orjson.loads(one.to_json(raw=True))["uid"] == one.uid
                assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301  # our own data
            else:
                assert orjson.dumps(one) is not None
