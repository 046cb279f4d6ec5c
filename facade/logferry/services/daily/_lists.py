"""
Pages of Daily's lists: newest first, asked for by the id of the last item of the page before.

Items that arrive while paging shift nothing.  A short page is no end, since the service may have a limit of its own; an
empty one is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from logferry._answers import about_answer
from logferry._cursors import CursorPage
from logferry._errors import PagingError
from logferry._identity import digest
from logferry._json import is_object
from logferry._steps import Reply
from logferry.services.daily._account import REQUEST_ID_HEADER


def list_page(
    reply: Reply[Any], items: list[Any], times: Sequence[int | None], *, total: int | None = None
) -> CursorPage:
    """
    A page for ``cursor_walk``.

    Args:
        reply: The answer.
        items: Its items.
        times: Of each, in nanoseconds since the epoch; ``None`` where it cannot be read.
        total: How many items the service counts for the question, or ``None`` where it does not say.
    """
    cursor: str | None = None
    trouble: PagingError | None = None
    if items:
        if _has_id(items[-1]):
            cursor = items[-1]["id"]
        else:
            trouble = about_answer(
                PagingError("the last item of a page has no id, so the next page cannot be asked for"),
                reply,
                REQUEST_ID_HEADER,
            )
    return CursorPage(
        reply=reply,
        items=items,
        keys=[item["id"] if _has_id(item) else digest(item) for item in items],
        times=times,
        cursor=cursor,
        total=total,
        trouble=trouble,
    )


def _has_id(item: Any) -> bool:
    identity = item.get("id") if is_object(item) else None
    return isinstance(identity, str) and identity != ""
