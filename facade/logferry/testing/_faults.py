"""Faults: what goes wrong between a client and a fake, said in a line."""

from collections.abc import Collection, Mapping
from itertools import count
from urllib.parse import parse_qs

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._recorder import Faults

__all__ = ["failing", "first_of"]


def failing(
    outcome: FakeResponse | Exception,
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
        outcome: What happens instead of the fake's answer: another answer, or an error such as `httpx.ReadTimeout`.
        path: Only requests for this path, such as ``/api/logs``.
        query: Only requests with these parameters, decoded; others may be beside them.
        at: Only these of the requests that path and query leave, counted from 1.  A retry is a request too.
        every: Only each so-manieth of them.
        times: Only so many, and none afterwards.
    """
    wanted = {name: [value] for name, value in (query or {}).items()}
    asked, failed = count(1), count(1)

    def faults(request: FakeRequest, _number: int) -> FakeResponse | Exception | None:
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

    def joined(request: FakeRequest, number: int) -> FakeResponse | Exception | None:
        outcomes = [fault(request, number) for fault in faults]
        return next((outcome for outcome in outcomes if outcome is not None), None)

    return joined
