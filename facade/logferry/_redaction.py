"""What must not be shown: secrets in URLs and mappings, and characters that drive a terminal."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from logferry._json import is_array, is_object

REDACTED: Final = "******"
"""Stands for a value that is held back; the mask that Logto itself uses."""

_SECRET_NAME: Final = re.compile(
    r"(?i)(^|[_.-])(authorization|cookie|pass(word|wd|code)?|pwd|secret|token|api[_-]?key|credential|code|code[_-]?verifier"
    r"|assertion|otp|private[_-]?key|signature|session[_-]?key)(s)?$"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a value under *name* can be a live secret, such as ``refresh_token``, ``codeVerifier`` or ``password``."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def without_secrets(value: Any) -> Any:
    """A copy of a JSON value in which whatever stands under a secret's name, at any depth, reads ``******``."""
    if is_object(value):
        # {"type": "password", "value": ...} is how Logto logs what a user typed (measured on 1.42.0).
        named = value.get("type")
        held_back = {"value"} if isinstance(named, str) and is_secret_name(named) else set[str]()
        return {
            name: REDACTED
            if member not in ("", None) and (name in held_back or is_secret_name(name))
            else without_secrets(member)
            for name, member in value.items()
        }
    if is_array(value):
        return [without_secrets(element) for element in value]
    return value


def printable(text: str) -> str:
    """*text* in one line, with control characters, bidirectional overrides and surrogates as visible escapes."""
    return _UNSAFE.sub(lambda match: match.group().encode("unicode_escape", "backslashreplace").decode("ascii"), text)


def public_url(url: str) -> str:
    """*url* without user information and fragment, and with the values of secret query parameters replaced."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = urlencode(
        [
            (name, REDACTED if is_secret_name(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*:,",
        quote_via=quote,
    )
    return urlunsplit((parts.scheme, host, parts.path, query, ""))
