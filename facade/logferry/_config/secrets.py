"""References to secrets: what stands in a configuration file in the place of a secret, and how the secret is had."""

from __future__ import annotations

import os
import subprocess
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from logferry._errors import ConfigurationError
from logferry._extras import missing
from logferry._json import is_array, is_object
from logferry._redaction import Secret, printable

OWN_PREFIX: Final = "LOGFERRY_"
"""Variables that begin with it are logferry's, so that any configuration file may name them."""

KEYRING_SERVICE: Final = "logferry"
"""Under which service the system's keyring has the secrets; the reference is the user name."""

_COMMAND_SECONDS: Final = 60.0
_LARGEST: Final = 64 * 1024
"""So many bytes of a file are read at most; a token has a few thousand."""


@frozen(kw_only=True)
class Reference:
    """
    Where a secret is: *words* are the variable, the whole path, the command with its arguments, or the keyring's user name.

    A *trusted* one may read files, run commands and use any variable: the user wrote it, or named the file.  Another one may
    use *variables*, and those that begin with ``LOGFERRY_``.
    """

    setting: str
    kind: str
    words: tuple[str, ...] = field(repr=False)
    trusted: bool
    variables: Collection[str] = ()

    def look_up(self) -> str:
        """The secret, without the line end that files and commands add; errors say why it cannot be read, not what was read."""
        secret = Secret(_KINDS[self.kind](self)).strip()
        if not secret:
            raise self.error("is empty", hint="Put the secret there")
        return secret

    def error(self, problem: str, *, hint: str) -> ConfigurationError:
        """An error that says which setting wants what, and what is wrong with it."""
        return ConfigurationError(f"{self.what} {problem}", hint=hint)

    @property
    def what(self) -> str:
        """Which setting wants what, for errors."""
        # Of a command only the program is shown: arguments can be secret.
        what = {"env": "the environment variable", "keyring": "the keyring's secret"}.get(self.kind, f"the {self.kind}")
        return f"{self.setting}: {what} {printable(self.words[0])}"

    def require_trust(self) -> None:
        """Refuse what a file that may be from anyone must not do."""
        if not self.trusted:
            raise untrusted(f"{self.setting}: {self.kind} is not used in")


def untrusted(problem: str, *, alternative: str | None = None) -> ConfigurationError:
    """An error about a file that was only found: what is refused, and what such a file may do instead."""
    also = f"; {alternative}" if alternative else ""
    return ConfigurationError(
        f"{problem} a file that is only found in the working directory, since it may be from anyone{also}",
        hint="Name the file with --config or LOGFERRY_CONFIG if it is yours",
    )


def _text(content: bytes) -> str:
    """What was read, without the mark that editors and shells on Windows begin it with."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _of_environment(reference: Reference) -> str:
    name, allowed = reference.words[0], reference.variables
    if not (reference.trusted or name.startswith(OWN_PREFIX) or name in allowed):
        # A file that may be from anyone does not get the variables of other programs.
        own = f"{OWN_PREFIX}... and {', '.join(allowed)}" if allowed else f"{OWN_PREFIX}..."
        raise untrusted(
            f"{reference.setting}: the environment variable {printable(name)} is not used in",
            alternative=f"such a file may use {own} only",
        )
    secret = os.environ.get(name)
    if secret is None:
        raise reference.error("is not set", hint="Set it, or change the reference")
    return secret


def _of_file(reference: Reference) -> str:
    reference.require_trust()
    try:
        with Path(reference.words[0]).open("rb") as file:
            return _text(file.read(_LARGEST))
    except OSError as error:
        raise reference.error(f"cannot be read: {error.strerror}", hint="Check the path") from error
    except UnicodeDecodeError:
        # Not chained: it would show the bytes.
        raise reference.error("holds no text", hint="Check the path") from None
    except ValueError as error:  # a zero byte in the path
        raise reference.error("cannot be read: it is no path", hint="Check the path") from error


def _of_command(reference: Reference) -> str:
    reference.require_trust()
    try:
        done = subprocess.run(  # noqa: S603  # the user's own command, from the user's own file
            reference.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=False
        )
        if done.returncode == 0:
            return _text(done.stdout)
    except OSError as error:
        raise reference.error(f"cannot be run: {error.strerror}", hint="Check the command") from error
    except subprocess.TimeoutExpired:
        # Not chained, here and below: it has the whole command and what it had written.
        raise reference.error(f"has not ended after {_COMMAND_SECONDS:.0f} s", hint="Try it in a shell") from None
    except UnicodeDecodeError:
        raise reference.error("wrote no text", hint="Try it in a shell") from None
    except ValueError:
        raise reference.error("cannot be run: it holds a zero byte", hint="Check the command") from None
    raise reference.error(f"failed with exit code {done.returncode}", hint="Try it in a shell")


def _of_keyring(reference: Reference) -> str:
    try:
        import keyring  # noqa: PLC0415  # an extra
        import keyring.errors  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise missing("keyring", reference.what) from error
    try:
        secret = keyring.get_password(KEYRING_SERVICE, reference.words[0])
    except keyring.errors.NoKeyringError as error:
        raise reference.error(
            "cannot be read: there is no keyring on this machine",
            hint="Install or configure a backend of the keyring library (keyring diagnose says which file configures it), "
            "or use another kind of reference",
        ) from error
    except keyring.errors.KeyringError as error:
        raise reference.error(f"cannot be read ({type(error).__name__})", hint="Unlock the keyring") from error
    if secret is None:
        raise reference.error("does not exist", hint=f"Set it: keyring set {KEYRING_SERVICE} {reference.words[0]}")
    return secret


_KINDS: Final[Mapping[str, Callable[[Reference], str]]] = {
    "env": _of_environment,
    "file": _of_file,
    "command": _of_command,
    "keyring": _of_keyring,
}


def read_reference(
    value: Any, *, setting: str, folder: Path, trusted: bool, variables: Collection[str] = ()
) -> Reference:
    """
    Read a reference: a table with one key, such as ``{ env = "ACME_SECRET" }`` or ``{ command = ["pass", "acme"] }``.

    A relative path is relative to *folder*; see ``Reference`` for the others.
    """
    if is_object(value) and len(value) == 1:
        ((kind, words),) = value.items()
        listed = list(words) if kind == "command" and is_array(words) else [words]
        if kind in _KINDS and (kind != "command" or is_array(words)) and listed:
            texts = tuple(word for word in listed if isinstance(word, str))
            if len(texts) == len(listed) and texts[0]:
                if kind == "file":
                    texts = (_path(texts[0], folder),)
                return Reference(setting=setting, kind=kind, words=texts, trusted=trusted, variables=variables)
    raise ConfigurationError(
        f"{setting} is neither text nor a reference to a secret",
        hint='A reference is { env = "NAME" }, { file = "PATH" }, { command = ["PROGRAM", "ARGUMENT"] } '
        'or { keyring = "NAME" }',
    )


def _path(text: str, folder: Path) -> str:
    path = Path(text)
    with suppress(RuntimeError):  # there is no such home directory, and no such file either
        path = path.expanduser()
    return str(folder / path)
