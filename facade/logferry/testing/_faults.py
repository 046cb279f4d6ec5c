"""Faults between a client and a fake, each made by one call."""

import gzip
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qs

import attrs
import orjson

from logferry._json import is_array, is_object
from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._recorder import Change, Faults, Outcome

__all__ = ["cut", "emptied", "failing", "first_of", "html_page", "late", "reset", "shortened", "stale"]

_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>made-up page</body></html>"
_OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding", "etag"})


def failing(
    outcome: Outcome,
    *,
    path: str | None = None,
    query: Mapping[str, str] | None = None,
    at: Collection[int] | None = None,
    every: int | None = None,
    times: int | None = None,
) -> Faults:
    """
    Make requests fail: all of them, or those that meet every given condition.

    It counts requests, so make a new one for each `Recorder` or `InProcessTransport`.

    Args:
        outcome: What replaces the fake's response: another response, an error such as `httpx.ReadTimeout`, or a
            function that changes the response, such as `cut`, `stale` or ``late(20)``.
        path: Only requests for this path, such as ``/api/logs``.
        query: Only requests with at least these parameters, decoded.
        at: Only these of the requests that match path and query, counted from 1.  A retry is a request too.
        every: Only every n-th of them.
        times: At most this many failures.
    """
    wanted = {name: [value] for name, value in (query or {}).items()}
    asked, failed = count(1), count(1)

    def faults(request: FakeRequest, _number: int) -> Outcome | None:
        if path is not None and request.path != path:
            return None
        if wanted:
            sent = parse_qs(request.query, keep_blank_values=True)
            if any(sent.get(name) != values for name, values in wanted.items()):
                return None
        number = next(asked)
        if (at is not None and number not in at) or (every is not None and number % every):
            return None
        return outcome if times is None or next(failed) <= times else None

    return faults


def first_of(*faults: Faults) -> Faults:
    """Join faults: the first one with an outcome for a request decides."""

    def joined(request: FakeRequest, number: int) -> Outcome | None:
        outcomes = [fault(request, number) for fault in faults]
        return next((outcome for outcome in outcomes if outcome is not None), None)

    return joined


def cut(answer: FakeResponse) -> FakeResponse:
    """Close the connection in the middle of the body; the header announces the whole length."""
    return _broken(answer, "cut")


def reset(answer: FakeResponse) -> FakeResponse:
    """Reset the connection in the middle of the body."""
    return _broken(answer, "reset")


def html_page(answer: FakeResponse) -> FakeResponse:
    """Replace the body with a web page and the status with 200, as a login portal or a wrong address does."""
    return _with_body(attrs.evolve(answer, status=200), _PAGE, "text/html; charset=utf-8")


def emptied(answer: FakeResponse) -> FakeResponse:
    """
    Remove all items from a page and keep the rest, such as the cursor of the next page and the total.

    Items are the lists of the outermost object and of HAL's ``_embedded``, or the body if it is a list.  A body that is
    not JSON stays unchanged.
    """
    return _with_items(answer, lambda _items: [])


def shortened(answer: FakeResponse) -> FakeResponse:
    """Remove the item in the middle of a page and keep the rest; see `emptied`."""
    return _with_items(answer, lambda items: [*items[: len(items) // 2], *items[len(items) // 2 + 1 :]])


def stale(answer: FakeResponse) -> FakeResponse:
    """Repeat the last response for the same path, whatever its query: the same page and cursor again."""
    return answer.previous or answer


def late(seconds: float) -> Change:
    """
    Delay the response.

    In process, the transport's `VirtualClock` advances, and a client with a shorter timeout raises `httpx.ReadTimeout`.
    On loopback, the time really passes.

    Args:
        seconds: The delay.
    """
    return lambda answer: attrs.evolve(answer, delay=seconds)


def _broken(answer: FakeResponse, end: Literal["cut", "reset"]) -> FakeResponse:
    whole = _with_length(answer, len(answer.body))
    return attrs.evolve(whole, body=answer.body[: len(answer.body) // 2], end=end)


def _with_length(answer: FakeResponse, length: int) -> FakeResponse:
    """Replace chunked encoding with a length: without one, a client cannot detect how much of the body is missing."""
    framing = {"content-length", "transfer-encoding"}
    headers = tuple((name, value) for name, value in answer.headers if name.lower() not in framing)
    return attrs.evolve(answer, headers=(*headers, ("Content-Length", str(length))))


def _with_body(answer: FakeResponse, body: bytes, kind: str) -> FakeResponse:
    headers = tuple((name, value) for name, value in answer.headers if name.lower() not in _OF_THE_BODY)
    changed = attrs.evolve(answer, headers=(*headers, ("Content-Type", kind)), body=body)
    return _with_length(changed, len(body))


def _with_items(answer: FakeResponse, change: Callable[[list[Any]], list[Any]]) -> FakeResponse:
    """Replace the items of a response's page; a body that is not JSON stays unchanged."""
    body = answer.body
    try:
        if answer.header("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        page = orjson.loads(body)
    except (OSError, EOFError, ValueError):
        return answer
    kind = answer.header("Content-Type") or "application/json"
    return _with_body(answer, orjson.dumps(_changed(page, change)), kind)


def _changed(page: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    if is_array(page):
        return change(page)
    if not is_object(page):
        return page
    changed: dict[str, Any] = {
        name: change(value) if is_array(value) else _changed(value, change) if name == "_embedded" else value
        for name, value in page.items()
    }
    return changed
