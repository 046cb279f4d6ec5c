"""
Parses the link to the next page.

A link is never requested itself.  The next request is built from its parts for the account's own address: a link that
leads elsewhere cannot receive the credentials, and a link with http for https, as proxies make them, is harmless.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urljoin, urlsplit

from attrs import asdict, frozen

from logferry.extend import PagingError, Position

LARGEST_PAGE: Final = 1000
"""The service's maximum page size."""

_HINT: Final = "Go on from the checkpoint later; what has been delivered is not delivered again"
_USUAL_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_NUMBER: Final = 9


@frozen
class PageAddress:
    """
    The address of a page.

    Attributes:
        number: Its number, from 0; ``None`` if the link has none.
        size: The page size that its token belongs to; ``None`` for the caller's.
        token: The page token, which the service requires with the number; ``None`` for the first page.
    """

    number: int | None = None
    size: int | None = None
    token: str | None = None

    def to_json(self) -> Position:
        """The address as a JSON value."""
        return asdict(self)

    @classmethod
    def of(cls, cursor: Position | None) -> PageAddress:
        """Parse an address of `to_json`; ``None`` is the first page."""
        return cls() if cursor is None else cls(**cursor)


def next_page(link: Any, *, asked: str, current: PageAddress) -> tuple[PageAddress | None, tuple[str, ...]]:
    """
    The address of the next page, ``None`` without one; and issues with the link.

    Args:
        link: ``links.next`` of a page: absolute or relative, or absent.
        asked: The URL of the request for the page.
        current: The address of the page.

    Raises:
        PagingError: The link is not a URL, has no page token, or does not advance.
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
        raise _broken("has no page_token, which every page but the first requires")
    number = _number(query.get("page_number", [""])[-1])
    if number is not None and number <= (current.number or 0):
        raise _broken("does not advance")
    size = _number(query.get("page_size", [""])[-1])
    # The links of the documentation's own example lead to another path, so another path is not an error.
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
