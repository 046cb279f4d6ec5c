"""The frame of Logto's responses: header lines in the recorded order, entity tags, compression, languages."""

import gzip
import hashlib
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

import orjson

from logferry.testing._http import FakeRequest, FakeResponse, Headers

__all__ = ["HTML", "JSON", "TEXT", "entity_tag", "localized", "preflight", "reply"]

JSON = ("Content-Type", "application/json; charset=utf-8")
TEXT = ("Content-Type", "text/plain; charset=utf-8")
HTML = ("Content-Type", "text/html; charset=utf-8")

_ALWAYS: Headers = (
    ("Vary", "Accept-Encoding, Origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Origin-Agent-Cluster", "?1"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Strict-Transport-Security", "max-age=15552000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Download-Options", "noopen"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
    ("X-XSS-Protection", "0"),
)

_COMPRESSED_FROM = 1024  # bytes
_COMPRESSION_LEVEL = 6  # zlib's default, which Node uses

_MESSAGES = {
    ("fr", "auth.authorization_header_missing"): "L'en-tête d'autorisation est manquant.",
    ("fr", "oidc.invalid_request"): "La requête est invalide.",
    ("fr", "oidc.invalid_target"): "Indicateur de ressource invalide.",
}
"""The known messages by language and code; English replaces the others."""

_ADMIN_ORIGIN = "http://localhost:3002"
_TOKENS = "/oidc/token"
_BROTLI_BLOCK = 1 << 16  # bytes


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, _COMPRESSION_LEVEL, mtime=0)


def _brotli(body: bytes) -> bytes:
    """Return a valid Brotli stream of stored blocks (RFC 7932, section 9.2): the standard library has no compressor."""
    blocks: list[bytes] = []
    for start in range(0, len(body), _BROTLI_BLOCK):
        block = body[start : start + _BROTLI_BLOCK]
        # From the lowest bit: not the last block, a length of four digits, the length, stored.
        head = (len(block) - 1) << 3 | 1 << 19
        # The first block begins with the size of the window, one bit for 64 KiB.
        bits = head << 1 if start == 0 else head
        blocks += (bits.to_bytes(3, "little"), block)
    return b"".join(blocks) + (b"\x03" if body else b"\x06")


_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"br": _brotli, "gzip": _gzip, "deflate": zlib.compress}
"""The compressors, in the server's order of preference (measured)."""


def reply(
    request: FakeRequest,
    now: int,
    status: int,
    body: bytes,
    headers: Headers,
    *,
    late: Headers = (),
    compression: bool = False,
) -> FakeResponse:
    """
    Frame a response as Node does.

    Args:
        request: The request; a response to HEAD has no body.
        now: Nanoseconds since 1970-01-01 UTC.
        status: Status code.
        body: Before compression.
        headers: The route's header lines, before the request id.
        late: Header lines after the request id, as in plain-text responses.
        compression: Whether a body of 1 KiB or more is compressed as the request accepts it.
    """
    digest = hashlib.sha1(f"{request.method} {request.target} {now}".encode(), usedforsecurity=False).digest()
    lines = [*_ALWAYS, *_shared(request), *headers]
    coding = None
    if compression and len(body) >= _COMPRESSED_FROM and request.method != "HEAD":
        coding = _coding(request)
    chunked = coding is not None
    if coding is not None:
        body = _CODINGS[coding](body)
        lines.append(("Content-Encoding", coding))
    lines += (("Logto-Core-Request-Id", urlsafe_b64encode(digest[:12]).decode()), *late)
    if status not in {204, 304} and not chunked:
        lines.append(("Content-Length", str(len(body))))
    lines.append(("Date", formatdate(now / 1e9, usegmt=True)))
    if (request.header("Connection") or "").lower() == "close":
        lines.append(("Connection", "close"))
    else:
        lines += (("Connection", "keep-alive"), ("Keep-Alive", "timeout=5"))
    if chunked:
        lines.append(("Transfer-Encoding", "chunked"))
    return FakeResponse(status, tuple(lines), b"" if request.method == "HEAD" else body)


def preflight(request: FakeRequest) -> Headers | None:
    """Return the headers of the response to a browser's preflight request, or `None` if nothing is allowed."""
    origin = request.header("Origin")
    if not origin or not request.header("Access-Control-Request-Method"):
        return None
    allowed: Headers
    if request.path == _TOKENS:
        allowed = (("Access-Control-Allow-Methods", "POST"), ("Access-Control-Max-Age", "3600"))
    elif origin == _ADMIN_ORIGIN:
        allowed = (("Access-Control-Allow-Methods", "GET,HEAD,PUT,POST,DELETE,PATCH"),)
    else:
        return None
    return (("Access-Control-Allow-Origin", origin), *allowed)


def _shared(request: FakeRequest) -> Headers:
    """Return the header lines that let scripts of other origins read the response."""
    origin = request.header("Origin")
    if request.method == "OPTIONS":
        return ()
    if request.path == _TOKENS:
        return (("Access-Control-Allow-Origin", origin or "*"), ("Access-Control-Expose-Headers", "WWW-Authenticate"))
    if origin == _ADMIN_ORIGIN:
        return (("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", "*"))
    return ()


def entity_tag(body: bytes) -> str:
    """Return Koa's strong tag: length in hexadecimal, and SHA-1 in base 64 without padding."""
    digest = hashlib.sha1(body, usedforsecurity=False).digest()
    return f'"{len(body):x}-{b64encode(digest).decode().rstrip("=")}"'


def localized(request: FakeRequest, body: Mapping[str, Any]) -> bytes:
    """Return an error body as JSON, in the language that the request prefers if its message is known."""
    for language in _languages(request.header("Accept-Language") or ""):
        if language == "en":
            break
        message = _MESSAGES.get((language, str(body.get("code"))))
        if message is not None:
            return orjson.dumps({**body, "message": message})
    return orjson.dumps(body)


def _languages(accepted: str) -> list[str]:
    ranked = sorted(_weighted(accepted), key=lambda pair: -pair[1])
    return [name.partition("-")[0] for name, weight in ranked if weight > 0]


def _coding(request: FakeRequest) -> str | None:
    """Return the coding that the request prefers, the server's first choice among equals, or `None`."""
    weights = dict(_weighted(request.header("Accept-Encoding") or ""))
    accepted = {name: weights.get(name, weights.get("*", 0.0)) for name in _CODINGS}
    best = max(accepted, key=accepted.__getitem__)
    return best if accepted[best] > 0 else None


def _weighted(value: str) -> list[tuple[str, float]]:
    """Split a header such as ``gzip;q=0.5, br`` into lower-case names and weights."""
    pairs: list[tuple[str, float]] = []
    for part in value.split(","):
        name, _, parameter = part.partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            weight = 1.0
        if name.strip():
            pairs.append((name.strip().lower(), weight))
    return pairs
