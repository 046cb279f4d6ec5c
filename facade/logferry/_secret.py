"""
Credentials in memory: texts and bytes like others, whose ``repr`` hides them.

Tracebacks with locals, as Sentry, rich and pytest make them, print the ``repr`` of what a frame holds, and of long texts that
of a slice.  So does whatever prints a container.  Code that needs the value uses it like any text.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final, Generic, Self, SupportsIndex, TypeVar, overload

from logferry._redaction import REDACTED

T = TypeVar("T")

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
