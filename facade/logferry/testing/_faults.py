"""Faults: what goes wrong between a client and a fake, said in a line."""

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
    Let requests fail, all of them or those that meet each condition given.

    It counts the requests that it is asked about, so make a new one for each `Recorder` or `InProcessTransport`.

    Args:
        outcome: What happens instead of the fake's answer: another answer, or an error such as `httpx.ReadTimeout`; or
            what its answer is changed by, such as `cut`, `stale` or ``late(20)``.
        path: Only requests for this path, such as ``/api/logs``.
        query: Only requests with these parameters, decoded; others may be beside them.
        at: Only these of the requests that path and query leave, counted from 1.  A retry is a request too.
        every: Only each so-manieth of them.
        times: Only so many, and none afterwards.
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
    """Join faults: each is asked about every request, and the first that has an outcome decides."""

    def joined(request: FakeRequest, number: int) -> Outcome | None:
        outcomes = [fault(request, number) for fault in faults]
        return next((outcome for outcome in outcomes if outcome is not None), None)

    return joined


def cut(answer: FakeResponse) -> FakeResponse:
    """Close the connection in the middle of the body; the header says how long it should have been."""
    return _broken(answer, "cut")


def reset(answer: FakeResponse) -> FakeResponse:
    """Reset the connection in the middle of the body."""
    return _broken(answer, "reset")


def html_page(answer: FakeResponse) -> FakeResponse:
    """Put a web page in the body's place, with status 200, as a login portal or a wrong address does."""
    return _with_body(attrs.evolve(answer, status=200), _PAGE, "text/html; charset=utf-8")


def emptied(answer: FakeResponse) -> FakeResponse:
    """
    Take all items out of a page and leave the rest, such as the cursor of the next page and the total.

    Lists of the outermost object are emptied, and those in HAL's ``_embedded``; or the body, where it is a list. What is
    no JSON stays as it is.
    """
    return _with_items(answer, lambda _items: [])


def shortened(answer: FakeResponse) -> FakeResponse:
    """Take the item in the middle of a page out and leave the rest; see `emptied`."""
    return _with_items(answer, lambda items: [*items[: len(items) // 2], *items[len(items) // 2 + 1 :]])


def stale(answer: FakeResponse) -> FakeResponse:
    """Answer as the last request for the same path was answered, whatever its query: the same page and cursor again."""
    return answer.previous or answer


def late(seconds: float) -> Change:
    """
    Let the answer come late.

    In process a `VirtualClock` that the transport has as its clock moves on, and a client that waits for less raises
    `httpx.ReadTimeout`; over the loopback the time really passes.

    Args:
        seconds: How late.
    """
    return lambda answer: attrs.evolve(answer, delay=seconds)


def _broken(answer: FakeResponse, end: Literal["cut", "reset"]) -> FakeResponse:
    whole = _with_length(answer, len(answer.body))
    return attrs.evolve(whole, body=answer.body[: len(answer.body) // 2], end=end)


def _with_length(answer: FakeResponse, length: int) -> FakeResponse:
    """Announce the length in place of chunks: of those nobody could tell how much is missing."""
    framing = {"content-length", "transfer-encoding"}
    headers = tuple((name, value) for name, value in answer.headers if name.lower() not in framing)
    return attrs.evolve(answer, headers=(*headers, ("Content-Length", str(length))))


def _with_body(answer: FakeResponse, body: bytes, kind: str) -> FakeResponse:
    headers = tuple((name, value) for name, value in answer.headers if name.lower() not in _OF_THE_BODY)
    changed = attrs.evolve(answer, headers=(*headers, ("Content-Type", kind)), body=body)
    return _with_length(changed, len(body))


def _with_items(answer: FakeResponse, change: Callable[[list[Any]], list[Any]]) -> FakeResponse:
    """The answer with other items on its page; what is no JSON stays as it is."""
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
