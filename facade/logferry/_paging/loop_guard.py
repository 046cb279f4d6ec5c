"""No walk runs for ever: repeated cursors and pages, pages without anything new, cursors that are refused again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from attrs import define, field

from logferry._errors import BadRequestError, PagingError
from logferry._json import dumps

LONGEST_DROUGHT: Final = 100
"""This many empty pages in a row are an error."""

STUCK: Final = 3
"""This many pages in a row with items, but none that is new, are an error."""

_RESTARTS: Final = 3
"""A walk whose cursor is refused begins again at most this often in a row, without anything new in between."""

_REFUSALS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.GONE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)

HINT: Final = "Resume from the checkpoint later; what was delivered is not delivered again"


@define
class LoopGuard:
    """
    Ensures that a walk by cursors ends.

    It knows the cursors and pages of the walk by their digests, so that long ones cost no memory.  It is not part of
    a checkpoint, because a resumed walk may meet its first cursor again.
    """

    _seen: set[bytes] = field(factory=set[bytes])
    _pages: set[bytes] = field(factory=set[bytes])
    _drought: int = 0
    _idle: int = 0
    _restarts: int = 0

    def has_page(self, keys: Sequence[str]) -> bool:
        """Whether a page with exactly these items came before, however long ago; from now on it has."""
        if not keys:
            return False
        page = hashlib.blake2b("\n".join(keys).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        met = page in self._pages
        self._pages.add(page)
        return met

    def advance(self, cursor: Any, *, items: int, new: int) -> None:
        """
        Note the cursor of the next page, a JSON value, and of the page that named it how many items it had, and how many new ones.

        Raises:
            PagingError: The cursor came before, or too many pages in a row had nothing new.
        """
        digest = hashlib.blake2b(dumps(cursor), digest_size=16).digest()
        if digest in self._seen:
            raise PagingError("the service names a page that has been read before", hint=HINT)
        self._seen.add(digest)
        self._drought = 0 if items else self._drought + 1
        self._idle = self._idle + 1 if items and not new else 0
        if self._drought >= LONGEST_DROUGHT:
            raise PagingError(f"the service has sent {LONGEST_DROUGHT} empty pages in a row", hint=HINT)
        if self._idle >= STUCK:
            raise PagingError(f"the service has sent {STUCK} pages in a row with nothing new", hint=HINT)

    def restart(self, error: BadRequestError | PagingError) -> None:
        """
        Begin again, because the service refused a cursor.

        Raises:
            PagingError: It has done so too often without anything new in between.
        """
        self._restarts += 1
        if self._restarts > _RESTARTS:
            lost = PagingError(f"the service refuses the cursors that it gives: {error.message}", hint=HINT)
            raise lost.about(
                method=error.method,
                url=error.url,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
                attempts=error.attempts,
            ) from error
        self._seen.clear()
        self._pages.clear()
        self._drought = self._idle = 0

    def deliver(self, new: int) -> None:
        """Note how many new items a page had."""
        if new:
            self._restarts = 0


def is_lost(error: BadRequestError | PagingError) -> bool:
    """Whether the error of a request can mean that the service no longer knows its cursor."""
    return error.status in _REFUSALS
