"""Links to other pages: found in headers, taken apart, never followed elsewhere."""

from __future__ import annotations

import pytest

from logferry import PagingError
from logferry.extend import Response, get, header_link, link_query

ASKED = "https://acme.example/api/v1/logs?limit=2"


def response(*links: str) -> Response[object]:
    """Return a response with these ``Link`` header lines."""
    return Response(
        request=get("/api/v1/logs"),
        url=ASKED,
        status=200,
        headers=[(b"Link", link.encode()) for link in links],
        content=b"[]",
        received_unix_nano=0,
    )


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((), None),
        (('<https://a.example/?after=1>; rel="self"',), None),
        (('<https://a.example/?after=1>; rel="self"', '<https://a.example/?after=2>; rel="next"'), "https://a.example/?after=2"),
        (('<https://a.example/?q=x,y>; rel="self", </p?after=3>; title="a, b"; rel=next',), "/p?after=3"),
        (('</p?after=4>; REL="prev Next"',), "/p?after=4"),
        (("no link at all",), None),
    ],
)  # fmt: skip
def test_a_link_is_found_by_its_relation(lines: tuple[str, ...], found: str | None) -> None:
    """In one line or in several, whatever its other parameters are."""
    assert header_link(response(*lines)) == found


def test_the_parameters_of_a_link_are_what_the_next_request_has() -> None:
    """Relative links are completed; without a link there are none."""
    assert link_query(response(), "?after=a%20b&limit=2&empty=") == ({"after": "a b", "limit": "2", "empty": ""}, ())
    assert link_query(response(), None) == ({}, ())


@pytest.mark.parametrize(
    ("link", "where"),
    [("https://evil.example/api/v1/logs?after=1", "host"), ("https://acme.example/other?after=1", "path")],
)
def test_a_link_that_leads_elsewhere_is_a_remark(link: str, where: str) -> None:
    """Its parameters are used for the account's own address, and nothing is sent there."""
    query, (remark,) = link_query(response(), link)
    assert query == {"after": "1"}
    assert f"another {where}" in remark


@pytest.mark.parametrize("link", [7, ["x"], "https://[broken"])
def test_what_is_no_address_is_an_error(link: object) -> None:
    """The walk ends there, after what it has received."""
    with pytest.raises(PagingError, match="no address"):
        link_query(response(), link)
