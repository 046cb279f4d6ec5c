"""The outside of Logto's answers: header lines in the recorded order, entity tags, compression, languages."""

import gzip
import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import orjson

from logferry.testing._http import FakeRequest, FakeResponse, Headers

__all__ = ["HTML", "JSON", "TEXT", "entity_tag", "localized", "reply"]

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
}
"""Messages by language and code, as far as they were recorded; English stands in for the others."""


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
    Frame an answer as Node does.

    Args:
        request: What is answered; the answer to HEAD has no body.
        now: Nanoseconds since 1970-01-01 UTC.
        status: Status code.
        body: Before compression.
        headers: What the route adds, before the request id.
        late: What is added after the request id, as plain-text answers do.
        compression: Whether gzip is used where the request accepts it and the body has 1 KiB or more.
    """
    digest = hashlib.sha1(f"{request.method} {request.target} {now}".encode(), usedforsecurity=False).digest()
    lines = [*_ALWAYS, *headers]
    chunked = compression and len(body) >= _COMPRESSED_FROM and request.method != "HEAD" and _accepts_gzip(request)
    if chunked:
        body = gzip.compress(body, _COMPRESSION_LEVEL, mtime=0)
        lines.append(("Content-Encoding", "gzip"))
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


def entity_tag(body: bytes) -> str:
    """Return the strong tag that Koa gives: length in hexadecimal, and SHA-1 in base 64 without padding."""
    digest = hashlib.sha1(body, usedforsecurity=False).digest()
    return f'"{len(body):x}-{b64encode(digest).decode().rstrip("=")}"'


def localized(request: FakeRequest, body: Mapping[str, Any]) -> bytes:
    """Return an error body as JSON, in the language that the request prefers where its message is known."""
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


def _accepts_gzip(request: FakeRequest) -> bool:
    return any(
        name in {"gzip", "*"} and weight > 0 for name, weight in _weighted(request.header("Accept-Encoding") or "")
    )


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
