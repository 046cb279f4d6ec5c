"""
The body of an answer while it arrives: decompressed in small pieces, so that none takes more memory than its limit.

httpx would decompress each chunk from the network at once, to a thousand times its size, and layers of compression one
after the other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

from logferry._errors import ConnectionFailedError, ResponseShapeError
from logferry._redaction import printable

ENCODINGS: Final = "gzip, deflate"
"""The compressions that are asked for, as in ``Accept-Encoding``."""

_PIECE: Final = 64 * 1024
_TOO_EARLY: Final = "the answer ends too early"
_RAW: Final = -zlib.MAX_WBITS


class Body:
    """
    A body within its bounds.

    Args:
        encoding: The answer's ``Content-Encoding``; empty for none.
        limit: So many bytes it may have at most, before and after decompression.

    Raises:
        ResponseShapeError: Its compression was not asked for.
    """

    def __init__(self, encoding: str, *, limit: int) -> None:
        self._limit = limit
        self._received = 0
        self._decoded = 0
        self._pieces: list[bytes] = []
        self._decoder = _decoder(encoding.strip().lower())

    def add(self, chunk: bytes) -> None:
        """
        Take what has arrived.

        Raises:
            ResponseShapeError: It is damaged, or more than the limit.
        """
        self._received += len(chunk)
        # Compression that expands to nothing could go on for ever.
        self._require_within(self._received)
        if self._decoder is None:
            self._pieces.append(chunk)
            return
        try:
            for piece in self._decoder.pieces(chunk):
                self._decoded += len(piece)
                self._require_within(self._decoded)
                self._pieces.append(piece)
        except zlib.error as error:
            raise ResponseShapeError("the answer's compression is damaged") from error

    def complete(self, announced: str | None) -> bytes:
        """
        The whole body.

        Args:
            announced: The answer's ``Content-Length``, where it has one and must keep to it.

        Raises:
            ConnectionFailedError: It was cut.
        """
        if self._decoder is None:
            # h11 checks it as well; a transport that the caller brought along may not.
            if announced is not None and announced.isdecimal() and self._received < int(announced):
                raise ConnectionFailedError(f"{_TOO_EARLY}: {self._received:,} bytes of {int(announced):,}")
        elif self._received and not self._decoder.is_complete:
            raise ConnectionFailedError(f"{_TOO_EARLY}, in the middle of its compression")
        return b"".join(self._pieces)

    def _require_within(self, size: int) -> None:
        if size > self._limit:
            raise ResponseShapeError(
                f"the answer is larger than {self._limit:,} bytes", hint="Ask for smaller pages with page_size"
            )


class _Inflater:
    """
    Decompresses gzip, all its members, or deflate.

    Args:
        windows: What ``zlib`` calls ``wbits``, first choice first: some servers leave deflate's envelope out.
    """

    def __init__(self, *windows: int) -> None:
        self._window, *self._others = windows
        self._inflater: Any = zlib.decompressobj(self._window)
        self._tried = b""

    @property
    def is_complete(self) -> bool:
        """Whether what has come ends where the compression does."""
        return bool(self._inflater.eof)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What *chunk* expands to, in pieces of bounded size."""
        while chunk:
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(self._window)
            yield self._piece(chunk)
            chunk = self._inflater.unconsumed_tail or self._inflater.unused_data

    def _piece(self, chunk: bytes) -> bytes:
        if self._others:
            self._tried += chunk
        try:
            piece: bytes = self._inflater.decompress(chunk, _PIECE)
        except zlib.error:
            if not self._others:
                raise
            self._window = self._others.pop()
            self._inflater = zlib.decompressobj(self._window)
            piece = self._inflater.decompress(self._tried, _PIECE)
        if piece:
            self._others.clear()  # it was the right one
        return piece


def _decoder(encoding: str) -> _Inflater | None:
    match encoding:
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Inflater(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Inflater(zlib.MAX_WBITS, _RAW)
        case _:
            raise ResponseShapeError(
                f"the answer is compressed as {printable(encoding)[:40]!r}, which was not asked for",
                hint="Something between here and the service may have changed it",
            )
