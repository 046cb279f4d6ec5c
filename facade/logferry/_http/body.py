"""
Decompresses the body of a response while it arrives, in small pieces, so that it never takes more memory than its limit.

httpx would decompress each chunk from the network at once, to a thousand times its size, and layers of compression one
after the other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

from logferry._errors import ConnectionFailedError, ResponseShapeError, too_large
from logferry._redaction import printable

ENCODINGS: Final = "gzip, deflate"
"""The compressions that requests accept, as in ``Accept-Encoding``."""

_PIECE: Final = 64 * 1024
"""At most this many bytes result from one step of decompression."""

_FED: Final = 4 * 1024
"""
At most this many compressed bytes are decompressed in one step.

The rest of a step is copied for the next one, so larger pieces cost more than in proportion; smaller ones cost more steps.
"""

_ZLIB: Final = 8
"""The lower half of the first byte of deflate's envelope; a compressor that leaves it out never begins so."""

_TOO_EARLY: Final = "the answer ends too early"
_RAW: Final = -zlib.MAX_WBITS


class Body:
    """
    The body of a response, read within a bound.

    The limit is in bytes, and holds before and after decompression.  An unknown compression is a ResponseShapeError.
    """

    def __init__(self, encoding: str, *, limit: int) -> None:
        self._limit = limit
        self._received = 0
        self._waiting = bytearray()
        self._content = bytearray()
        self._decoder = _decoder(encoding.strip().lower())

    def add(self, chunk: bytes) -> None:
        """Add bytes that have arrived; raises a ResponseShapeError if they are damaged, or more than the limit."""
        self._received += len(chunk)
        # Data that expands to nothing could go on for ever.
        self._require_within(self._received)
        if self._decoder is None:
            self._content += chunk
            return
        self._waiting += chunk
        if len(self._waiting) >= _FED:
            self._decompress(self._decoder)

    def complete(self, announced: str | None) -> bytes:
        """
        Return the whole body; raises a ConnectionFailedError if it was cut, and as ``add`` does.

        *announced* is the ``Content-Length`` of the response; ``None`` if there is none, or if it does not apply.
        """
        if self._decoder is None:
            # h11 checks it as well; a transport of the caller may not.
            if announced is not None and announced.isdecimal() and self._received < int(announced):
                raise ConnectionFailedError(f"{_TOO_EARLY}: {self._received:,} bytes of {int(announced):,}")
        else:
            self._decompress(self._decoder)
            if self._received and not self._decoder.is_complete:
                raise ConnectionFailedError(f"{_TOO_EARLY}, in the middle of its compression")
        return bytes(self._content)

    def _decompress(self, decoder: _Inflater) -> None:
        """Decompress the bytes that wait."""
        waiting, self._waiting = self._waiting, bytearray()
        with memoryview(waiting) as view:
            try:
                for start in range(0, len(view), _FED):
                    for piece in decoder.pieces(bytes(view[start : start + _FED])):
                        self._content += piece
                        self._require_within(len(self._content))
            except zlib.error as error:
                raise ResponseShapeError("the answer's compression is damaged") from error

    def _require_within(self, size: int) -> None:
        if size > self._limit:
            raise too_large(f"the answer is larger than {self._limit:,} bytes")


class _Inflater:
    """
    Decompresses gzip, all its members, or deflate.

    *window* is what ``zlib`` calls ``wbits``; ``None`` for deflate, whose envelope some servers leave out: the first byte shows it.
    """

    def __init__(self, window: int | None) -> None:
        self._window = window
        self._inflater: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether the compressed data is complete."""
        return self._inflater is not None and bool(self._inflater.eof)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Decompress *chunk*, in pieces of bounded size."""
        while chunk:
            if self._inflater is None or self._inflater.eof:
                self._inflater = zlib.decompressobj(self._window_of(chunk))
            yield self._inflater.decompress(chunk, _PIECE)
            chunk = self._inflater.unconsumed_tail or self._inflater.unused_data

    def _window_of(self, chunk: bytes) -> int:
        """Return ``wbits`` for a body that begins with *chunk*."""
        if self._window is None:
            self._window = zlib.MAX_WBITS if chunk[0] & 0x0F == _ZLIB else _RAW
        return self._window


def _decoder(encoding: str) -> _Inflater | None:
    match encoding:
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Inflater(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Inflater(None)
        case _:
            raise ResponseShapeError(
                f"the answer is compressed as {printable(encoding)[:40]!r}, which was not asked for",
                hint="Something between here and the service may have changed it",
            )
