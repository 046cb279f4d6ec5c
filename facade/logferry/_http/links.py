"""
Links to other pages, in ``Link`` headers or in a body.

A link is never requested itself: the next request is built of its parameters for the account's own address, so a link that
leads elsewhere cannot receive the credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from logferry._errors import PagingError
from logferry._http.messages import Response, header_values

_LINK: Final = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"[^"]*"|[^",;]*))?)*)')
_RELATION: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', re.IGNORECASE)


def header_link(response: Response[Any], relation: str = "next") -> str | None:
    """The address of the link of a relation in the ``Link`` headers (RFC 8288) of a response; ``None`` without one."""
    for line in header_values(response.headers, "link"):
        for address, parameters in _LINK.findall(line):
            found = _RELATION.search(parameters)
            if found is not None and relation in (found[1] or found[2] or "").lower().split():
                return str(address)
    return None


def link_query(response: Response[Any], link: object) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """
    The query parameters of a link, to build the request that it stands for, and a remark if it leads elsewhere.

    Args:
        response: The response that has the link; links can be relative to its address.
        link: The link, from a header or from a body; ``None`` or an empty text where there is none.

    Returns:
        The parameters, none without a link, of several with one name the last; and remarks for ``CursorPage.remarks``.

    Raises:
        PagingError: It is no address.
    """
    if link is None or link == "":
        return {}, ()
    own = urlsplit(response.url)
    try:
        parts = urlsplit(urljoin(response.url, link)) if isinstance(link, str) else None
        same_host = parts is not None and (parts.hostname, parts.port) == (own.hostname, own.port)
    except ValueError:
        parts, same_host = None, False
    if parts is None:
        raise PagingError("the link to the next page is no address", hint="The service may have changed")
    where = None if same_host and parts.path == own.path else "path" if same_host else "host"
    remarks = (
        () if where is None else (f"the link to the next page leads to another {where}: only its parameters are used",)
    )
    return dict(parse_qsl(parts.query, keep_blank_values=True)), remarks
