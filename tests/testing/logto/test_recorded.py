"""Every recorded probe of Logto 1.42.0, replayed against the fake."""

import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from logferry.testing import FakeRequest, LogtoFake
from logferry.testing.logto._replies import entity_tag

SAMPLES = Path(__file__).parents[2] / "samples" / "logto"
PROBES: dict[str, Any] = {path.stem: orjson.loads(path.read_bytes()) for path in (SAMPLES / "probes").glob("*.json")}
LOGS: list[dict[str, Any]] = orjson.loads((SAMPLES / "list_audit_logs" / "logs.json").read_bytes())
RECORDED_ID = LOGS[0]["id"]

# As many logs as the recorded server had, at the same density, so that pages and windows have the same sizes.
FAKE = LogtoFake(records=417, epoch=LOGS[0]["createdAt"] * 1_000_000, spacing=27, growing=False, compression=False)

# Headers that differ from answer to answer on a real server too.
PER_ANSWER = {"Logto-Core-Request-Id", "ETag"}
# Values that depend on the logs themselves, which the fake generates.
PER_HISTORY = {"Total-Number", "Content-Length"}


def header(probe: Any, name: str) -> str:
    """Return a recorded header."""
    lines: list[tuple[str, str]] = probe["response"]["headers"]
    return next(value for key, value in lines if key == name)


def as_of(probe: Any) -> int:
    """Return when a probe was recorded, in nanoseconds."""
    return int(parsedate_to_datetime(header(probe, "Date")).timestamp()) * 1_000_000_000


def credential(name: str, probe: Any) -> str:
    """Return the value for a placeholder of the recorder."""
    now = as_of(probe)
    match name:
        case "Bearer <good>":
            return f"Bearer {FAKE.access_token(now=now)}"
        case "Bearer <noscope>":
            return f"Bearer {FAKE.access_token(now=now, scope='')}"
        case "Bearer <expired>" | "Bearer <wrongaud>":  # the answer shows the content of the token
            return f"Bearer {FAKE.tokens.sign(probe['response']['body']['data']['payload'])}"
        case _:
            return name


def replay(probe: Any) -> FakeRequest:
    """Return the request of a probe, with ids, tags and tokens of the fake."""
    target = probe["request"]["target"].replace(RECORDED_ID, FAKE.truth()[0])
    headers = {"Host": "127.0.0.1:3001", **probe["request"]["headers"]}
    if "Authorization" in headers:
        headers["Authorization"] = credential(headers["Authorization"], probe)
    if "If-None-Match" in headers:  # a tag received earlier from the same target
        before = FakeRequest("GET", target, (("Authorization", headers["Authorization"]),))
        headers["If-None-Match"] = FAKE.answer(before, as_of(probe)).header("ETag")
    return FakeRequest(probe["request"]["method"], target, tuple(headers.items()), b"")


def is_filtered(probe: Any) -> bool:
    """Return whether the answer to a probe depends on the logs."""
    return re.search(r"[?&](userId|applicationId|logKey|start_time)=", probe["request"]["target"]) is not None


def comparable(headers: list[tuple[str, str]], *, filtered: bool, listed: bool) -> list[tuple[str, str]]:
    """Return header lines without those that cannot be equal."""
    lines: list[tuple[str, str]] = []
    for name, value in headers:
        if name in PER_ANSWER or (listed and name == "Content-Length") or (filtered and name in PER_HISTORY):
            lines.append((name, "…"))
        elif filtered and name == "Link" and value.endswith('rel="last"'):
            lines.append((name, re.sub(r"([?&]page)=\d+", r"\1=…", value)))
        else:
            lines.append((name, value))
    return lines


@pytest.mark.parametrize("name", sorted(PROBES))
def test_recorded_status_and_headers(name: str) -> None:
    """The fake gives the recorded status and the recorded header lines, in the same order."""
    probe = PROBES[name]
    filtered, listed = is_filtered(probe), probe["response"]["status"] in {200, 304}
    answer = FAKE.answer(replay(probe), as_of(probe))
    expected = [(key, value) for key, value in probe["response"]["headers"]]
    assert (probe["response"]["status"], probe["response"]["reason"]) == (answer.status, answer.reason)
    assert comparable(expected, filtered=filtered, listed=listed) == comparable(
        list(answer.headers), filtered=filtered, listed=listed
    )


@pytest.mark.parametrize("name", sorted(PROBES))
def test_recorded_body(name: str) -> None:
    """The fake gives the recorded error body, or the recorded number of logs in the recorded shape."""
    probe = PROBES[name]
    recorded = probe["response"]
    body = FAKE.answer(replay(probe), as_of(probe)).body
    match recorded["body_kind"]:
        case "text" | "empty":
            assert recorded["body_text"] == body.decode()
        case "json" if recorded["status"] == 200:
            assert list(recorded["body"]) == list(orjson.loads(body))
        case "json":
            assert recorded["body"] == orjson.loads(body)
        case "json array":
            items = orjson.loads(body)
            if "start_time" not in probe["request"]["target"]:
                assert recorded["body_length"] == len(items)
            assert bool(recorded["body_length"]) == bool(items)
            assert all(list(item) == list(LOGS[0]) for item in items)
        case kind:
            pytest.fail(f"a kind of body that this test does not know: {kind}")


def test_no_recorded_probe_is_missing() -> None:
    """All recorded probes exist, so the tests above skip none."""
    assert len(PROBES) == 33


def test_entity_tag_is_the_recorded_one() -> None:
    """The tag of a recorded body is computed as the server did."""
    log = orjson.dumps(LOGS[0])
    assert header(PROBES["get_one"], "ETag") == entity_tag(log)
    assert header(PROBES["etag_base"], "ETag") == entity_tag(b"[" + log + b"]")


def test_payloads_are_recorded() -> None:
    """Every log of the fake has a payload that a real server wrote."""
    recorded = [log["payload"] for log in LOGS]
    request = FakeRequest("GET", "/api/logs?page_size=100", (("Authorization", f"Bearer {FAKE.access_token()}"),))
    items: list[dict[str, Any]] = orjson.loads(FAKE.answer(request, FAKE.epoch).body)
    assert all(item["payload"] in recorded for item in items)
    assert all(item["key"] == item["payload"]["key"] for item in items)


def test_every_recorded_kind_occurs() -> None:
    """Each recorded kind of log, result and error is among the logs of the fake."""

    def kinds(logs: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
        return {
            (log["key"], log["payload"]["result"], type(log["payload"].get("error")), *sorted(log["payload"]))
            for log in logs
        }

    items: list[dict[str, Any]] = []
    for page in (1, 2):
        request = FakeRequest(
            "GET", f"/api/logs?page_size=100&page={page}", (("Authorization", f"Bearer {FAKE.access_token()}"),)
        )
        items += orjson.loads(FAKE.answer(request, FAKE.epoch).body)
    assert kinds(LOGS) == kinds(items)


def test_capped_headers_are_recorded() -> None:
    """Above 10,000 logs the count and the links are those of a server that had 17,827 (2026-08)."""
    fake = LogtoFake(records=17_827, compression=False)
    target = "/api/logs?page_size=1&page=3&enableCap=true"
    headers = (("Host", "127.0.0.1:3301"), ("Authorization", f"Bearer {fake.access_token()}"))
    answer = fake.answer(FakeRequest("GET", target, headers), fake.epoch)
    recorded = (SAMPLES / "list_audit_logs" / "capped_headers.txt").read_text(encoding="utf-8").splitlines()
    assert recorded[0] == f"HTTP/1.1 {answer.status} {answer.reason}"
    counted = [line for line in recorded if line.startswith(("Total-Number", "Link"))]
    assert counted == [
        f"{name}: {value}" for name, value in answer.headers if name.startswith(("Total-Number", "Link"))
    ]
