"""Recorded traffic: the exchanges of a HAR file, as browsers and proxies save it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen

from logferry._errors import InvalidRequestError
from logferry._json import is_array, is_object

_LARGEST = 2**30


@frozen
class Exchange:
    """
    One request and its response.

    Attributes:
        method: The method, in upper case.
        path: The path of the URL, as it was sent.
        query: The names of the query's parameters, with their values.
        status: The status of the response.
        body: The JSON of the response; ``None`` where it is no JSON, see *is_json*.
        is_json: Whether the response is JSON.
        sent: The JSON of the request; ``None`` where there is none.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = field(repr=False)
    status: int
    body: Any = field(repr=False)
    is_json: bool
    sent: Any = field(default=None, repr=False)


def exchanges(path: Path) -> Iterator[Exchange]:
    """
    Yield the exchanges of a HAR file.

    Raises:
        InvalidRequestError: The file cannot be read, or is no HAR file.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidRequestError(f"{path} is larger than {_LARGEST >> 20} MiB")
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"{path} is no JSON", hint="A HAR file is what browsers save of their network"
        ) from error
    log = value.get("log") if is_object(value) else None
    entries = log.get("entries") if is_object(log) else None
    if not is_array(entries):
        raise InvalidRequestError(f"{path} is no HAR file: it has no log.entries")
    yield from (_exchange(one) for one in entries if is_object(one) and is_object(one.get("request")))


def _exchange(entry: dict[str, Any]) -> Exchange:
    request, response = _part(entry, "request"), _part(entry, "response")
    content, posted = _part(response, "content"), _part(request, "postData")
    url = urlsplit(str(request.get("url", "")))
    is_json, body = _json(_text(content), content.get("mimeType"))
    _, sent = _json(posted.get("text"), posted.get("mimeType"))
    status = response.get("status")
    return Exchange(
        method=str(request.get("method", "")).upper(),
        path=url.path,
        query=tuple(parse_qsl(url.query, keep_blank_values=True)),
        status=status if isinstance(status, int) else 0,
        body=body,
        is_json=is_json,
        sent=sent,
    )


def _part(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    return part if is_object(part) else {}


def _text(content: dict[str, Any]) -> Any:
    text = content.get("text")
    if content.get("encoding") != "base64" or not isinstance(text, str):
        return text
    try:
        return base64.b64decode(text).decode("utf-8")
    except (binascii.Error, UnicodeError):
        return None


def _json(text: Any, media_type: Any) -> tuple[bool, Any]:
    if not isinstance(text, str) or "json" not in str(media_type or "json").lower():
        return False, None
    try:
        return True, json.loads(text)
    except (ValueError, RecursionError):
        return False, None
