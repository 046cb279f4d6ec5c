"""Short pages that a client can detect: the service counts, names a next page, or has more after a full page."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import attrs
import orjson

from logferry._json import is_array, is_object
from logferry.testing._faults import shortened
from logferry.testing._http import Fake, FakeRequest, FakeResponse
from logferry.testing._recorder import Change

__all__ = ["noticeably_shortened"]

_COUNTS: Final = ("total", "total_count")


def noticeably_shortened(fake: Fake, request: FakeRequest, now: Callable[[], int]) -> Change:
    """
    Apply `shortened`, except where a client cannot detect it: on the last page of a service that does not count.

    Args:
        fake: The fake that responded.
        request: The request.
        now: Its time, in nanoseconds since 1970-01-01 UTC.
    """

    def change(answer: FakeResponse) -> FakeResponse:
        return shortened(answer) if _shows(fake, request, now(), answer) else answer

    return change


def _shows(fake: Fake, request: FakeRequest, now: int, answer: FakeResponse) -> bool:
    if answer.header("Total-Number") is not None:
        return True
    try:
        page = orjson.loads(answer.body)
    except ValueError:
        return False
    if is_object(page):
        if any(type(page.get(name)) is int for name in _COUNTS):
            return True
        links = page.get("links")
        if is_object(links):
            return links.get("next") is not None
    return _has_more(fake, request, now, _items(page))


def _has_more(fake: Fake, request: FakeRequest, now: int, items: int) -> bool:
    """Whether a page is full, and the fake has more after it."""
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    limit = query.get("limit", "")
    if not limit.isdigit() or items < int(limit):
        return False
    wider = urlencode({**query, "limit": items + 1})
    answer = fake.answer(attrs.evolve(request, target=f"{request.path}?{wider}"), now)
    return _items(orjson.loads(answer.body)) > items


def _items(page: Any) -> int:
    lists = [page] if is_array(page) else page.values() if is_object(page) else []
    return max((len(one) for one in lists if is_array(one)), default=0)
