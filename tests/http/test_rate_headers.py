"""What rate limit headers say about further requests, in all their forms."""

from __future__ import annotations

from typing import Any

import pytest

from logferry._http.messages import Request, Response
from logferry._http.rate_headers import Allowance, allowance
from logferry_clients.logto.api.audit_logs import list_audit_logs

LIST: Request[Any] = list_audit_logs.request()
MOMENT = 1_767_225_600


def response(*headers: tuple[str, str], received: float = MOMENT) -> Response[Any]:
    """Return an answer with these headers."""
    return Response(
        request=LIST,
        url="https://acme.logto.app/api/logs",
        status=200,
        headers=[(name.encode(), value.encode()) for name, value in headers],
        content=b"[]",
        received_unix_nano=round(received * 1e9),
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("RateLimit", '"default";r=50;t=30')], (50, 30)),
        ([("ratelimit", "default;r=0;t=7")], (0, 7)),
        ([("RateLimit", '"burst";r=9;t=1, "day";r=5;t=3000')], (5, 3000)),
        ([("RateLimit", '"burst";r=9;t=1'), ("RateLimit", '"day";r=8;t=60')], (8, 60)),
        ([("RateLimit", '"a;r=1;t=1, b";r=9;t=2')], (9, 2)),
        ([("RateLimit", "limit=100, remaining=50, reset=30"), ("RateLimit-Policy", "100;w=60")], (50, 30)),
        ([("RateLimit-Limit", "100"), ("RateLimit-Remaining", "3"), ("RateLimit-Reset", "5")], (3, 5)),
        ([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "5")], (0, 5)),
        ([("X-Rate-Limit-Remaining", "1"), ("X-Rate-Limit-Reset", "0.5")], (1, 0.5)),
        ([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(MOMENT + 9))], (0, 9)),
        ([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", f"{MOMENT + 9}000")], (0, 9)),
        ([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(MOMENT - 9))], (0, 0)),
        ([("X-RateLimit-Remaining", "7"), ("X-RateLimit-Reset", "5"), ("RateLimit", '"a";r=2;t=9')], (2, 9)),
    ],
)
def test_remaining_requests_are_read(headers: list[tuple[str, str]], expected: tuple[int, float]) -> None:
    """The headers give the remaining requests and the seconds until the reset; the lowest of several limits counts."""
    assert allowance(response(*headers)) == Allowance(*expected)


def test_a_reset_time_counts_by_the_services_clock() -> None:
    """The local clock may be wrong by an hour, so the Date of the answer is the reference."""
    told = response(
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", str(MOMENT + 9)),
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        received=MOMENT - 3600,
    )
    assert allowance(told) == Allowance(0, 9)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Content-Type", "application/json"), ("Transfer-Rate", "9")],
        [("RateLimit-Policy", '"default";q=100;w=10')],
        [("RateLimit-Remaining", "0")],
        [("X-RateLimit-Reset", "30")],
        [("RateLimit", "nonsense"), ("X-RateLimit-Remaining", "many"), ("X-RateLimit-Reset", "soon")],
        [("RateLimit", '"default";r=-1;t=5')],
        [("X-RateLimit-Remaining", "-1"), ("X-RateLimit-Reset", "-5")],
        [("X-RateLimit-Remaining", "9" * 5000), ("X-RateLimit-Reset", "9" * 5000)],
        [("RateLimit", f'"a";r={"9" * 5000};t={"9" * 5000}')],
    ],
)
def test_incomplete_headers_are_ignored(headers: list[tuple[str, str]]) -> None:
    """Incomplete and invalid headers set no bound."""
    assert allowance(response(*headers)) is None
