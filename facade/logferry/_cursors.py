"""A guard for streams that page by cursor: no cursor may come twice, and a service may not send empty pages for ever."""

from __future__ import annotations

import hashlib
from typing import Final

from attrs import define, field

from logferry._errors import PagingError

LONGEST_DROUGHT: Final = 100
"""So many empty pages in a row are an error."""


@define
class SeenCursors:
    """
    The cursors that a walk has met, as digests, so that long ones cost no memory.

    One walk has one of these; it is not part of a checkpoint, because a resumed walk may meet its first cursor again.
    """

    _seen: set[bytes] = field(factory=set[bytes])
    _drought: int = 0

    def advance(self, cursor: str, *, items: int) -> None:
        """
        Note the cursor of the next page.

        Args:
            cursor: What the next page will be asked for by.
            items: How many items the page that named it had.

        Raises:
            PagingError: The cursor has been met before, or there were too many empty pages in a row.
        """
        digest = hashlib.blake2b(cursor.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in self._seen:
            raise PagingError(
                "the service names a page that has been read before", hint="Go on from the checkpoint later"
            )
        self._seen.add(digest)
        self._drought = 0 if items else self._drought + 1
        if self._drought >= LONGEST_DROUGHT:
            raise PagingError(
                f"the service has sent {LONGEST_DROUGHT} empty pages in a row", hint="Go on from the checkpoint later"
            )
