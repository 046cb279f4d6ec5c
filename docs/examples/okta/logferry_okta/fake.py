"""A fake of Okta's System Log with its documented habits."""

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlencode

from attrs import field, frozen

from logferry.extend import MILLISECOND, SECOND, dumps, rfc3339, text_to_nano
from logferry.testing import FakeRequest, FakeResponse, Listed, Row, StreamFake

_TYPES: Final = ("user.session.start", "user.session.end", "policy.lifecycle.update")


@frozen(kw_only=True)
class OktaFake(StreamFake):
    """An organization; *cursor_life* is for how many seconds ``after`` is known, ``None`` for ever."""

    stream: ClassVar[str] = "okta.system_log"
    package: ClassVar[str] = "logferry_okta.generated"
    id_name: ClassVar[str] = "uuid"
    settings: Mapping[str, str] = field(factory=lambda: {"api_token": "00made-up-token"}, repr=False)
    cursor_life: float | None = None

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: Random) -> "OktaFake":
        """Make one with a scripted history, whose cursors can expire."""
        return cls(rows=rows, epoch=epoch, cursor_life=chance.choice((None, None, 60.0, 600.0)))

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request."""
        query = dict(parse_qsl(request.query))
        limit, (key, _, born) = query.get("limit", "100"), query.get("after", "").rpartition("_")
        if request.header("Authorization") != f"SSWS {self.settings['api_token']}":
            return _refused(401, "E0000011", "Invalid token provided", now)
        if not limit.isdigit() or int(limit) not in range(1001) or ("since" in query and "after" in query):
            return _refused(400, "E0000001", "Api validation failed", now)
        if born and self.cursor_life is not None and now - int(born) > self.cursor_life * SECOND:
            return _refused(400, "E0000053", "Invalid parameter: after", now)
        first, end = text_to_nano(query.get("since", "")) or 0, text_to_nano(query.get("until", "")) or 2**63
        # A polling request goes by the time at which an event was stored, a bounded one by when it happened.
        places = (
            (f"{one.time if 'until' in query else one.arrived:020}_{one.number:09}", one) for one in self.listed(now)
        )
        found = sorted((place, one) for place, one in places if first <= int(place[:20]) < end and place > key)
        found = [one for one in found if "q" not in query or self.matches(self.item(one[1]), q=query["q"])]
        page = found[: int(limit)]
        links = [f'<https://{request.header("Host")}{request.target}>; rel="self"']
        if "until" not in query or len(found) > len(page):
            behind = page[-1][0] if page else key or f"{first:020}"
            following = {name: value for name, value in query.items() if name != "since"} | {"after": f"{behind}_{now}"}
            links.append(f'<https://{request.header("Host")}{request.path}?{urlencode(following)}>; rel="next"')
        return FakeResponse.of_json(200, [self.item(one) for _, one in page], now, *(("Link", link) for link in links))

    def item(self, listed: Listed) -> dict[str, Any]:
        """Return an event, of which some have null where the documentation has a value, and unknown fields."""
        content, kind = listed.content, _TYPES[listed.content % len(_TYPES)]
        return {
            "uuid": f"00000000-0000-11ef-8000-{listed.number:012x}",
            "published": f"{rfc3339(listed.time // MILLISECOND * MILLISECOND)[:-7]}Z",
            "eventType": kind,
            "severity": ("INFO", "WARN", "ERROR", "DEBUG")[content % 4],
            "displayMessage": f"made up: {kind}",
            "actor": {"id": f"00u{content % 7}", "type": "User", "displayName": "A. Person", "detailEntry": None},
            "client": {"ipAddress": "192.0.2.1", "userAgent": {"rawUserAgent": "Mozilla/5.0 (made up)"}, "id": None},
            "outcome": {"result": "SUCCESS", "reason": None} if content % 5 else None,
            "authenticationContext": {"externalSessionId": f"session-{content % 11}", "authenticationStep": 0},
        } | ({} if content % 19 else {"madeUp": {"number": content}})

    def matches(self, item: Mapping[str, Any], *, q: str | None = None, **_filters: Any) -> bool:
        """Whether an event has all of the words."""
        text = dumps(item).decode().lower()
        return all(word in text for word in (q or "").lower().split())


def _refused(status: int, code: str, summary: str, now: int) -> FakeResponse:
    return FakeResponse.of_json(status, {"errorCode": code, "errorSummary": summary, "errorCauses": []}, now)
