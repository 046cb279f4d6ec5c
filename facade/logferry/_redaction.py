"""
What must not be shown: secrets in URLs, mappings and memory, and characters that drive a terminal.

Credentials are held as ``Secret`` texts and bytes, whose ``repr`` hides them: tracebacks with locals, as Sentry, rich and
pytest make them, print the ``repr`` of what a frame holds, and of long texts that of a slice.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Generic, Self, SupportsIndex, TypeVar, overload
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from logferry._json import dumps, is_array, is_object

T = TypeVar("T")

REDACTED: Final = "******"
"""Stands for a value that is held back; the mask that Logto itself uses."""

_LONGEST_SHOWN: Final = 80

_SHORTEST_SECRET: Final = 4
"""What is shorter is no secret, and would be found in every text."""

_SECRET_NAME: Final = re.compile(
    r"""
    ( (^|[_.-])
      ( authorization | cookie | pass(word|wd|code|phrase)?(_(encrypted|hash))? | pwd | secret | token | id_token_hint
      | assertion | (api|private|secret|access)[_-]?key | credential | code[_-]?verifier | otp | signature )
    | (^|[_.-]) (authorization|auth|verification|backup|recovery|device|user|security|one[_-]?time) [_-]? code
    | ^ code
    ) s?$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_USUAL_NAMES: Final = 50
"""Of objects with more names than that, none are remembered: they would fill the memory."""

_CONTAINERS: Final = frozenset({dict, list})
_DESCRIBING: Final = frozenset({"id", "name", "type"})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a value under *name* can be a live secret, such as ``refresh_token``, ``codeVerifier`` or ``password``."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def without_secrets(value: Any, *, under_secret: bool = False, levels: int = 100) -> Any:
    """
    A JSON value in which whatever stands under a secret's name, at any depth, reads ``******``.

    Of an object that stands there, what describes the secret is kept, as in ``{"secret": {"name": "default"}}``.  A
    ``value`` beside a secret's name is one too, as in ``{"type": "password", "value": "..."}``, which is how Logto logs
    what a user typed (measured on 1.42.0).

    Most values hold no secret, and are given back as they are; the others are copied.

    Args:
        value: A decoded JSON value.
        under_secret: Whether it stands under a secret's name itself.
        levels: How deeply to look; what is nested more deeply reads ``******``.
    """
    return value if not under_secret and _is_public(value, levels) else _masked(value, under_secret, levels)


def _is_public(value: Any, levels: int) -> bool:
    """Whether there is nothing to mask in a value: no secret, unless it is masked already, and nothing too deep."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]  # quicker than isinstance, and decoded JSON
    if kind is dict:
        if not levels or ("value" in value and _names_secret(value)):
            return False
        names = tuple(value)
        for name in _secret_names(names) if len(names) <= _USUAL_NAMES else filter(is_secret_name, names):
            if value[name] != REDACTED:
                return False
        members: Iterable[Any] = value.values()
    elif kind is list:
        if not levels:
            return False
        members = value
    else:
        return True
    for member in members:  # noqa: SIM110  # a generator takes twice as long
        if type(member) in _CONTAINERS and not _is_public(member, levels - 1):
            return False
    return True


@lru_cache(maxsize=1024)
def _secret_names(names: tuple[str, ...]) -> tuple[str, ...]:
    # Objects of one kind have the same names in the same order, so most cost one look-up.
    return tuple(filter(is_secret_name, names))


def _names_secret(value: Mapping[str, Any]) -> bool:
    """Whether an object says that its ``value`` is a secret."""
    return any(isinstance(named, str) and is_secret_name(named) for named in (value.get("type"), value.get("name")))


def _masked(value: Any, under_secret: bool, levels: int) -> Any:  # noqa: FBT001  # called for every value
    if isinstance(value, str) and not under_secret:
        return value
    if not levels and (is_object(value) or is_array(value)):
        return REDACTED
    if is_object(value):
        typed = _names_secret(value)
        masked: dict[str, Any] = {}
        for name, member in value.items():
            secret = is_secret_name(name) or (under_secret and name not in _DESCRIBING) or (typed and name == "value")
            masked[name] = member if type(member) is str and not secret else _masked(member, secret, levels - 1)
        return masked
    if is_array(value):
        return [_masked(element, under_secret, levels - 1) for element in value]
    return (
        REDACTED
        if under_secret and isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
        else value
    )


def without_credentials(content: bytes, headers: Iterable[tuple[str, str]]) -> bytes:
    """*content* in which the credentials that *headers* carry, decoded or not, read ``******``."""
    for _, value in headers:
        scheme, _, word = value.rpartition(" ")
        secrets = [word]
        if scheme == "Basic":
            password = b64decode(word).decode().partition(":")[2]
            secrets += [password, unquote(password)]
        for secret in secrets:
            for spelling in (secret, dumps(secret).decode().strip('"'), quote(secret, safe="")):
                if len(spelling) >= _SHORTEST_SECRET:
                    content = content.replace(spelling.encode(), REDACTED.encode())
    return content


def printable(text: str) -> str:
    """*text* in one line, with control characters, bidirectional overrides and surrogates as visible escapes."""
    return _UNSAFE.sub(lambda match: match.group().encode("unicode_escape", "backslashreplace").decode("ascii"), text)


def short(value: object) -> str:
    """The ``repr`` of a value, at most 80 characters of it: for values of any size within the ``repr`` of another."""
    # A long text is cut before it is escaped, since it can have megabytes.
    text = repr(value[:_LONGEST_SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


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


_PUBLIC: Final = frozenset({"account", "rate", "transport", "verify"})
"""Options of clients whose texts are no secrets; a proxy's address can have a password, and an unknown name be a misspelt one."""


class Secret(str):
    """A text that no ``repr`` shows; ``str(secret)`` is the plain text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(REDACTED)

    def __getitem__(self, key: SupportsIndex | slice) -> Secret:
        return Secret(super().__getitem__(key))

    def strip(self, chars: str | None = None, /) -> Secret:
        """The same without what stands around it."""
        return Secret(super().strip(chars))

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> SecretBytes:
        """Its bytes, hidden too."""
        return SecretBytes(super().encode(encoding, errors))


class SecretBytes(bytes):
    """Bytes that no ``repr`` shows; ``bytes(secret)`` is the same object, so that h11 keeps it hidden."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"b{REDACTED!r}"

    def __bytes__(self) -> Self:
        return self

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> SecretBytes: ...
    def __getitem__(self, key: SupportsIndex | slice, /) -> Any:
        found = super().__getitem__(key)
        return found if isinstance(found, int) else SecretBytes(found)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> Secret:
        """Its text, hidden too: httpx's headers decode what they print."""
        return Secret(super().decode(encoding, errors))


class Sealed(Generic[T]):
    """Another library's object that shows its headers, or fails to be shown, in a local variable of ours."""

    __slots__ = ("inner",)

    def __init__(self, inner: T) -> None:
        self.inner = inner


def hide_secrets(options: Any) -> None:
    """Hide, in place, the texts among a client's options that can be secrets: frames that hold the options print them."""
    options |= {
        name: Secret(value) for name, value in options.items() if isinstance(value, str) and name not in _PUBLIC
    }


def basic_authorization(user: str, password: str) -> Secret:
    """The value of the header ``Authorization`` for HTTP Basic."""
    return Secret(f"Basic {b64encode(f'{user}:{password}'.encode()).decode('ascii')}")
