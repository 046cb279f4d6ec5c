"""Which parts of a link to the next page are used, and which links end a walk."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from logferry import PagingError
from logferry.services.signalwire._links import PageAddress, next_page

ASKED = "https://acme.signalwire.com/api/video/logs?page_size=50"
PAGE = "/api/video/logs?page_number=1&page_size=50&page_token=PA1"


@pytest.mark.parametrize(
    "asked", [ASKED, "http://127.0.0.1:8700/api/video/logs", "https://gate.example/sw/api/video/logs"]
)
def test_a_relative_link_is_accepted(asked: str) -> None:
    """A path, a bare query and a path relative to the page all resolve to the address of the page."""
    query = PAGE.partition("?")[2]
    for path in ("", "logs", urlsplit(asked).path):
        assert next_page(f"{path}?{query}", asked=asked, current=PageAddress()) == (PageAddress(1, 50, "PA1"), ())


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (f"https://acme.signalwire.com{PAGE}", PageAddress(1, 50, "PA1")),
        (f"http://acme.signalwire.com{PAGE}", PageAddress(1, 50, "PA1")),
        (f"https://acme.signalwire.com:443{PAGE}", PageAddress(1, 50, "PA1")),
        (f"https://ACME.SignalWire.com{PAGE}", PageAddress(1, 50, "PA1")),
        (f"//acme.signalwire.com{PAGE}", PageAddress(1, 50, "PA1")),
        (f"https://user:secret@acme.signalwire.com{PAGE}", PageAddress(1, 50, "PA1")),
        (PAGE.replace("logs?", "logs/?"), PageAddress(1, 50, "PA1")),
        (f"{PAGE}&created_after=1999-01-01&evil=1#top", PageAddress(1, 50, "PA1")),
        ("/api/video/logs?page_token=a%26b%3D%C3%A9", PageAddress(None, None, "a&b=é")),
        ("/api/video/logs?page_token=t&page_size=5000&page_number=x", PageAddress(None, None, "t")),
        ("/api/video/logs?page_token=t&page_number=99999999999", PageAddress(None, None, "t")),
    ],
)
def test_a_link_to_the_same_address_is_parsed(link: str, expected: PageAddress) -> None:
    """Absolute, relative and http links give page number, size and token, and no other values."""
    assert next_page(link, asked=ASKED, current=PageAddress()) == (expected, ())


@pytest.mark.parametrize("link", [None, ""])
def test_no_link_is_the_end(link: object) -> None:
    """A missing link ends the list."""
    assert next_page(link, asked=ASKED, current=PageAddress()) == (None, ())


@pytest.mark.parametrize(
    ("link", "where"),
    [
        (f"https://evil.example{PAGE}", "another host"),
        (f"https://acme.signalwire.com.evil.example{PAGE}", "another host"),
        (f"https://acme.signalwire.com@evil.example{PAGE}", "another host"),
        (f"https://acme.signalwire.com:8443{PAGE}", "another host"),
        (f"//evil.example{PAGE}", "another host"),
        (f"\\\\evil.example{PAGE}", "another path"),
        (PAGE.replace("logs", "rooms"), "another path"),
        (f"javascript:{PAGE}", "another host"),
    ],
)
def test_only_the_token_of_a_foreign_link_is_used(link: str, where: str) -> None:
    """The example links of the documentation have another path; an issue says so without repeating the link."""
    address, (issue,) = next_page(link, asked=ASKED, current=PageAddress())
    assert address == PageAddress(1, 50, "PA1")
    assert where in issue
    assert "evil" not in issue


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://acme.signalwire.com/api/video/rooms?page=3", "no page_token"),
        ("javascript:alert(1)", "no page_token"),
        ("/api/video/logs?page_number=1", "no page_token"),
        ("/api/video/logs?page_number=1&page_token=", "no page_token"),
        ("/api/video/logs?page_number=0&page_token=t", "does not advance"),
        ("https://[evil", "no address"),
        ("https://acme.signalwire.com:port/api/video/logs", "no address"),
        (7, "no address"),
        ({"href": PAGE}, "no address"),
    ],
)
def test_a_link_that_cannot_be_used_is_an_error(link: object, words: str) -> None:
    """A link without a token, or one that does not advance, is an error that does not repeat the link."""
    with pytest.raises(PagingError, match=words) as caught:
        next_page(link, asked=ASKED, current=PageAddress())
    assert "evil" not in str(caught.value)


def test_a_link_back_is_an_error() -> None:
    """On page 3, links to page 3 and page 2 do not advance."""
    for number in (2, 3):
        with pytest.raises(PagingError, match="does not advance"):
            next_page(f"?page_number={number}&page_token=t", asked=ASKED, current=PageAddress(3, None, "t"))
