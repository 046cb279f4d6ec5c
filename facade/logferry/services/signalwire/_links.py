"""
From the link of a next page to what the next page is asked for by.

A link is never requested.  It is taken apart, and the request is built anew on the account's own address: a link that
leads elsewhere cannot take the credentials along, and one that says http for https, as proxies make them, does no harm.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urljoin, urlsplit

from attrs import asdict, frozen

from logferry.extend import PagingError, Position

LARGEST_PAGE: Final = 1000
"""The service's limit."""

_HINT: Final = "Go on from the checkpoint later; what has been delivered is not delivered again"
_USUAL_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_NUMBER: Final = 9


@frozen
class PageAddress:
    """
    What a page is asked for by.

    Attributes:
        number: Its number, from 0; ``None`` where the link does not say.
        size: How many logs it has at most, as its token was given for; ``None`` for what the caller wants.
        token: What the service wants to see beside the number; ``None`` for the first page.
    """

    number: int | None = None
    size: int | None = None
    token: str | None = None

    def to_json(self) -> Position:
        """The address as a JSON value."""
        return asdict(self)

    @classmethod
    def of(cls, cursor: Position | None) -> PageAddress:
        """The address that `to_json` gave; ``None`` is that of the first page."""
        return cls() if cursor is None else cls(**cursor)


def next_page(link: Any, *, asked: str, current: PageAddress) -> tuple[PageAddress | None, tuple[str, ...]]:
    """
    The address of the next page, ``None`` for no next page; and what is odd about the link.

    Args:
        link: ``links.next`` of a page: absolute or relative, or absent.
        asked: The URL that the page was asked for at.
        current: What it was asked for by.

    Raises:
        PagingError: The link is no address, has no page token, or does not advance.
    """
    if link is None or link == "":
        return None, ()
    try:
        own, parts = urlsplit(asked), urlsplit(urljoin(asked, link))
        same_host, same_path = _host(parts) == _host(own), parts.path.rstrip("/") == own.path.rstrip("/")
    except (ValueError, TypeError, AttributeError) as error:
        raise _broken("is no address") from error
    query = parse_qs(parts.query)
    token = query.get("page_token", [""])[-1]
    if not token:
        raise _broken("has no page_token, without which no page but the first can be asked for")
    number = _number(query.get("page_number", [""])[-1])
    if number is not None and number <= (current.number or 0):
        raise _broken("does not lead forward")
    size = _number(query.get("page_size", [""])[-1])
    # The links of the documentation's own example lead to another path, so that alone is no reason to stop.
    where = "host" if not same_host else "path"
    issues = () if same_host and same_path else (f"links.next: it leads to another {where}, so only its token is used",)
    size = size if size is not None and 1 <= size <= LARGEST_PAGE else current.size
    return PageAddress(number, size, token), issues


def _host(parts: SplitResult) -> tuple[str, int | None]:
    port = None if parts.port == _USUAL_PORTS.get(parts.scheme) else parts.port
    return (parts.hostname or "").lower(), port


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def _broken(what: str) -> PagingError:
    return PagingError(f"the link to the next page {what}", hint=_HINT)
