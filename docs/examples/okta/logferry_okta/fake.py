"""A fake of Okta's System Log with its documented habits."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson
from attrs import field, frozen

from logferry.extend import MILLISECOND, SECOND, rfc3339, text_to_nano
from logferry.testing import FakeRequest, FakeResponse, Row, SpecChecker

_MINUTE: Final = 60 * SECOND
_SEVERITIES: Final = ("INFO", "INFO", "WARN", "ERROR", "DEBUG")
_TYPES: Final = ("user.session.start", "user.session.end", "policy.lifecycle.update", "app.oauth2.token.grant")


@frozen(kw_only=True)
class OktaFake:
    """
    An Okta organization with a made-up history, one event a minute, or that of *rows*.

    Args:
        records: Number of events at *epoch*.
        epoch: When the newest of them happened, in nanoseconds since 1970-01-01 UTC.
        growing: Whether events keep arriving.
        rows: A script of the events instead.
        cursor_life: Seconds after which ``after`` is refused; ``None`` for never.
    """

    records: int = 250
    epoch: int = 1_767_225_600 * SECOND
    growing: bool = True
    rows: tuple[Row, ...] | None = field(default=None, repr=False)
    cursor_life: float | None = None
    settings: Mapping[str, str] = field(factory=lambda: {"api_token": "00made-up-token"}, repr=False)
    streams: tuple[str, ...] = ("okta.system_log",)

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: Random) -> "OktaFake":
        """Make one with a scripted history; *chance* decides how long cursors are known."""
        return cls(rows=rows, epoch=epoch, cursor_life=chance.choice((None, None, 60.0, 600.0)))

    def events(self, now: int) -> list[tuple[int, int, int, int]]:
        """Return of each event listed at *now*: when it happened (milliseconds), was stored, its number, its content."""
        if self.rows is None:
            count = self.records + (max(0, now - self.epoch) // _MINUTE if self.growing else 0)
            times = [self.epoch + (number + 1 - self.records) * _MINUTE for number in range(count)]
            return [(time // MILLISECOND, time, number, number) for number, time in enumerate(times)]
        rows = [(number, row) for number, row in enumerate(self.rows) if row.is_visible(now)]
        return [
            (row.time // MILLISECOND, row.time if row.appears is None else row.appears, number, row.content)
            for number, row in rows
        ]

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request."""
        query = dict(parse_qsl(request.query))
        limit = query.get("limit", "100")
        if request.header("Authorization") != f"SSWS {self.settings['api_token']}":
            return _refused(401, "E0000011", "Invalid token provided", now)
        if request.path != "/api/v1/logs":
            return _refused(404, "E0000007", f"Not found: Resource not found: {request.path}", now)
        if not limit.isdigit() or int(limit) > 1000 or ("since" in query and "after" in query):  # noqa: PLR2004
            return _refused(400, "E0000001", "Api validation failed", now)
        key, _, born = query.get("after", "").rpartition("_")
        if born and self.cursor_life is not None and now - int(born) > self.cursor_life * SECOND:
            return _refused(400, "E0000053", "Invalid parameter: after", now)
        # A polling request goes by the time at which an event was stored, a bounded one by when it happened.
        found = self._found(query, key, now)
        page = found[: int(limit)]
        links = [("self", request.target)]
        if "until" not in query or len(found) > len(page):
            behind = (
                f"{page[-1][0]:020}_{page[-1][1]:09}"
                if page
                else key or f"{text_to_nano(query.get('since', '')) or 0:020}_"
            )
            following = {name: value for name, value in query.items() if name != "since"} | {"after": f"{behind}_{now}"}
            links.append(("next", f"{request.path}?{urlencode(following)}"))
        host = request.header("Host") or "localhost"
        headers = [("Link", f'<https://{host}{target}>; rel="{name}"') for name, target in links]
        events = [_event(time, number, content) for _, number, time, content in page]
        return FakeResponse.of_json(200, events, now, *headers, ("X-Rate-Limit-Remaining", "599"))

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what violates the spec in a request."""
        return _spec().violations(request)

    def truth(
        self,
        stream: str = "okta.system_log",  # noqa: ARG002  # there is one
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *,
        q: str | None = None,
    ) -> Sequence[str]:
        """Return the ids of the events in a window."""
        events = sorted(self.events(self.epoch if now is None else now))
        return [
            event["uuid"]
            for time, _, number, content in events
            if (since is None or time * MILLISECOND >= since) and (until is None or time * MILLISECOND < until)
            if _matches(event := _event(time, number, content), q)
        ]

    def identity(self, stream: str, item: Any) -> str:  # noqa: ARG002  # there is one
        """Return the id of an event."""
        return str(item["uuid"])

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:  # noqa: ARG002  # there is one
        """Return the filters of the one query that finds all events."""
        return ({},)

    def _found(self, query: Mapping[str, str], key: str, now: int) -> list[tuple[int, int, int, int]]:
        """Return what a query finds behind a cursor: by which time it goes, number, time, content."""
        first, end = text_to_nano(query.get("since", "1970-01-01")), text_to_nano(query.get("until", "2200-01-01"))
        return sorted(
            (moment, number, time, content)
            for time, stored, number, content in self.events(now)
            if (first or 0) <= (moment := time * MILLISECOND if "until" in query else stored) < (end or 0)
            and f"{moment:020}_{number:09}" > key
            and ("q" not in query or _matches(_event(time, number, content), query["q"]))
        )


@cache
def _spec() -> SpecChecker:
    return SpecChecker(orjson.loads((files("logferry_okta.generated") / "openapi.json").read_bytes()))


def _refused(status: int, code: str, summary: str, now: int) -> FakeResponse:
    return FakeResponse.of_json(status, {"errorCode": code, "errorSummary": summary, "errorCauses": []}, now)


def _matches(event: Mapping[str, Any], words: str | None) -> bool:
    text = orjson.dumps(event).decode().lower()
    return words is None or all(word in text for word in words.lower().split())


def _event(time: int, number: int, content: int) -> dict[str, Any]:
    kind = _TYPES[content % len(_TYPES)]
    event = {
        "uuid": f"00000000-0000-11ef-8000-{number:012x}",
        "published": f"{rfc3339(time * MILLISECOND)[:-7]}Z",
        "eventType": kind,
        "version": "0",
        "severity": _SEVERITIES[content % len(_SEVERITIES)],
        "displayMessage": f"made up: {kind}",
        "actor": {"id": f"00u{content % 7}", "type": "User", "displayName": "A. Person", "detailEntry": None},
        "client": {"ipAddress": "192.0.2.1", "userAgent": {"rawUserAgent": "Mozilla/5.0 (made up)"}, "id": None},
        "outcome": None if content % 5 == 4 else {"result": "SUCCESS", "reason": None},  # noqa: PLR2004
        "authenticationContext": {"externalSessionId": f"session-{content % 11}", "authenticationStep": 0},
        "target": None,
    }
    return {**event, "madeUp": {"number": content}} if content % 19 == 0 else event
