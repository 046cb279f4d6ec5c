"""The fake of SignalWire: ``GET /api/video/logs`` as the documentation has it, and as its other lists page."""

import hashlib
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import formatdate
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

import attrs
import orjson

from logferry._times import SECOND
from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import spec_checker
from logferry.testing._truth import identity_of, require_stream
from logferry.testing.signalwire_history import History, Selection

__all__ = ["SignalWireFake"]

_PATH = "/api/video/logs"
_DAY = 86_400
_DEFAULT_PAGE_SIZE, _LARGEST_PAGE = 50, 1000
_FILTERS = ("include_deleted", "created_before", "created_on", "created_after")
_NUMBER = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class _Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of the fake
    """The service answers with an error instead."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


@attrs.frozen(kw_only=True)
class SignalWireFake:
    """
    A SignalWire project with a made-up history.

    It keeps to the documentation, since no real project was measured; what that leaves open is a setting here.  It is a
    pure function of settings, request and clock: it keeps nothing between requests, and all its logs are computed from
    their number.  One log of thirteen is deleted; sessions that are still going on change as the clock goes on.

    Args:
        records: How many logs exist at `epoch`, deleted ones included.
        epoch: When the newest of them was created, in nanoseconds since 1970-01-01 UTC. Default: 2026-01-01T00:00:00Z.
        spacing: Time between two logs, in seconds, more than 0.
        growing: Whether logs keep arriving after `epoch` as the clock goes on.
        seed: Decides ids.
        space: The name of the space.
        project_id: The project's id.
        api_token: A token with the scope Video.
        scopeless_token: A token without it.
        scope_status: What a token without the scope is answered with; the documentation says 401 here and 403 there.
        link_scheme: The scheme of the links' addresses; `None` for relative links.
        inclusive_bounds: Whether `created_before` and `created_after` include the day or second that they name.
        oldest_first: Whether logs are sent oldest first; else newest first.
    """

    records: int = attrs.field(default=417, validator=attrs.validators.ge(0))
    epoch: int = 1_767_225_600_000_000_000
    spacing: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    growing: bool = True
    seed: int = 0
    space: str = "logferry-fake"
    project_id: str = "5f0b1a52-0c5e-4b1e-9d55-6b7a3f0c2e11"
    api_token: str = attrs.field(default="PT-made-up-token-of-a-fake", repr=False)
    scopeless_token: str = attrs.field(default="PT-made-up-token-without-scope", repr=False)
    scope_status: int = attrs.field(default=403, validator=attrs.validators.in_((401, 403)))
    link_scheme: str | None = "https"
    inclusive_bounds: bool = False
    oldest_first: bool = False

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        return ("signalwire.video_logs",)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that make an account of it, all but the one for its address."""
        return {"space": self.space, "project_id": self.project_id, "api_token": self.api_token}

    @cached_property
    def history(self) -> History:
        """All the logs."""
        return History(
            records=self.records,
            epoch=self.epoch,
            step=max(1, round(self.spacing * SECOND)),
            growing=self.growing,
            seed=self.seed,
            space=self.space,
        )

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        try:
            return _reply(request, now, 200, self._route(request, now))
        except _Refusal as refusal:
            return _reply(request, now, refusal.status, refusal.body)

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what in the request goes against the spec of the generated client: unknown parameters, types, bounds."""
        return spec_checker("signalwire").violations(request)

    def truth(
        self,
        stream: str = "signalwire.video_logs",
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *,
        include_deleted: bool | str | None = None,
    ) -> Sequence[str]:
        """
        Return the ids of the logs in the window ``[since, until)``, in the order in which they are sent.

        The ids are computed when they are looked at; `len` computes none.

        Args:
            stream: The stream's name; there is one.
            since: Start of the window, included, in nanoseconds since 1970-01-01 UTC. Default: from the first log on.
            until: End of the window, not included. Default: up to the newest log.
            now: When to look. Default: `epoch`.
            include_deleted: Whether deleted logs are among them; a text as on the wire will do.
        """
        require_stream(stream, self.streams)
        existing = self.history.existing(self.epoch if now is None else now)
        first = 0 if since is None else self.history.before(-(-since // SECOND))
        end = existing if until is None else min(existing, self.history.before(-(-until // SECOND)))
        return self._selection(first, end, include_deleted=include_deleted in {True, "true"})

    def identity(self, stream: str, item: Any) -> str:
        """Return the id of a decoded log."""
        require_stream(stream, self.streams)
        return identity_of(item, "id")

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Return the filters of the question that finds all logs, deleted ones too."""
        require_stream(stream, self.streams)
        return ({"include_deleted": "true"},)

    def _selection(self, first: int, end: int, *, include_deleted: bool) -> Selection:
        return Selection(self.history, min(first, end), end, include_deleted, self.oldest_first)

    def _route(self, request: FakeRequest, now: int) -> Mapping[str, Any]:
        self._authorize(request)
        if request.path != _PATH:
            raise _Refusal(404, {"error": "Not Found"})
        if request.method != "GET":
            raise _Refusal(405, {"error": "Method Not Allowed"})
        return self._list(request, now)

    def _authorize(self, request: FakeRequest) -> None:
        scheme, _, value = (request.header("Authorization") or "").partition(" ")
        try:
            given = b64decode(value, validate=True).decode() if scheme == "Basic" else ""
        except ValueError:
            given = ""
        if given == f"{self.project_id}:{self.scopeless_token}":
            raise _Refusal(self.scope_status, {"error": "Unauthorized" if self.scope_status == 401 else "Forbidden"})  # noqa: PLR2004
        if given != f"{self.project_id}:{self.api_token}":
            raise _Refusal(401, {"error": "Unauthorized"})

    def _list(self, request: FakeRequest, now: int) -> Mapping[str, Any]:
        # Names are case-sensitive; what is not known is ignored.
        values = dict(parse_qsl(request.query, keep_blank_values=True))
        page_size = _integer(values, "page_size", _DEFAULT_PAGE_SIZE, 1, _LARGEST_PAGE)
        page = _integer(values, "page_number", 0, 0, 10**9)
        filters = {name: values[name] for name in _FILTERS if name in values}
        existing = self.history.existing(now)
        if page:
            existing = self._existing_of(values.get("page_token", ""), filters, page_size)
        selection = self._select(filters, existing)
        places = range(len(selection))[page * page_size : (page + 1) * page_size]
        following = (page + 1) * page_size < len(selection)
        numbers = (
            {"self": page, "first": 0}
            | ({"next": page + 1} if following else {})
            | ({"prev": page - 1} if page else {})
        )
        base = (
            _PATH
            if self.link_scheme is None
            else f"{self.link_scheme}://{request.header('Host') or 'localhost'}{_PATH}"
        )
        token = self._token(existing, filters, page_size)
        return {
            "links": {
                name: f"{base}?{urlencode(filters | _address(number, page_size, token))}"
                for name, number in numbers.items()
            },
            "data": [self.history.item(selection.number(place), now) for place in places],
        }

    def _select(self, filters: Mapping[str, str], existing: int) -> Selection:
        first, end, before = 0, existing, self.history.before
        if "created_before" in filters:
            low, high = _span(filters, "created_before")
            end = min(end, before(high if self.inclusive_bounds else low))
        if "created_after" in filters:
            low, high = _span(filters, "created_after")
            first = max(first, before(low if self.inclusive_bounds else high))
        if "created_on" in filters:
            low, _ = _span(filters, "created_on")
            day = low - low % _DAY
            first, end = max(first, before(day)), min(end, before(day + _DAY))
        return self._selection(first, end, include_deleted=filters.get("include_deleted") == "true")

    def _token(self, existing: int, filters: Mapping[str, str], page_size: int) -> str:
        """A token pins what a list is of, so that its pages do not shift, and belongs to one question."""
        digest = hashlib.blake2b(
            repr((self.seed, existing, sorted(filters.items()), page_size)).encode(), digest_size=8
        )
        return f"PA{existing:x}-{digest.hexdigest()}"

    def _existing_of(self, token: str, filters: Mapping[str, str], page_size: int) -> int:
        if not token:
            raise _invalid("page_token", "is required where page_number is greater than 0")
        try:
            existing = int(token.removeprefix("PA").partition("-")[0], 16)
        except ValueError:
            existing = -1
        if token != self._token(existing, filters, page_size):
            raise _invalid("page_token", "is not a token of this list")
        return existing


def _address(number: int, page_size: int, token: str) -> dict[str, str]:
    return {"page_number": str(number), "page_size": str(page_size)} | ({"page_token": token} if number else {})


def _integer(values: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = values.get(name, str(default))
    if not _NUMBER.fullmatch(text) or not lowest <= int(text) <= highest:
        raise _invalid(name, f"must be between {lowest} and {highest}")
    return int(text)


def _span(filters: Mapping[str, str], name: str) -> tuple[int, int]:
    """The first second of a day or a moment, and the first one after it."""
    text = filters[name]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(name, "must be a date or an ISO 8601 date and time") from None
    second = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() // 1)
    return second, second + (_DAY if _DATE.fullmatch(text) else 1)


def _invalid(name: str, what: str) -> _Refusal:
    # The fields of a mistake are documented, the words are made up.
    mistake = {
        "type": "validation_error",
        "code": "invalid_parameter",
        "message": what,
        "attribute": name,
        "url": "https://developer.example/errors/invalid_parameter",
    }
    return _Refusal(422, {"errors": [mistake]})


def _reply(request: FakeRequest, now: int, status: int, body: Mapping[str, Any]) -> FakeResponse:
    content = orjson.dumps(body)
    digest = hashlib.blake2b(f"{request.method} {request.target} {now}".encode(), digest_size=16).hexdigest()
    headers = (
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Request-Id", digest),
        ("Content-Length", str(len(content))),
        ("Date", formatdate(now / 1e9, usegmt=True)),
    )
    return FakeResponse(status, headers, content)
