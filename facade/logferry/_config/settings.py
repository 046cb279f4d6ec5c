"""The settings of an account: what was given, and what is missing from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from logferry._errors import ConfigurationError
from logferry._http.options import checked_base_url
from logferry._redaction import Secret, is_secret_name

_FLAGS: Final = {"true": True, "false": False}


@frozen(kw_only=True)
class Settings:
    """
    Looks up the settings of one account of a service.

    Attributes:
        service: The service's name.
        given: Values by the setting's name; text or, for a switch, a ``bool``.
        source: Which account of which file they come from, as errors call it; ``None`` for arguments, which the
            environment completes.
        environment: Where to look for what is not given; unused where *source* is set.
        allow_insecure: Whether credentials may go to another machine over plain ``http``.
    """

    service: str
    given: Mapping[str, str | bool | None] = field(factory=dict[str, "str | bool | None"], repr=False)
    source: str | None = None
    environment: Mapping[str, str] = field(factory=lambda: os.environ, repr=False)
    allow_insecure: bool = False

    def variable(self, name: str) -> str:
        """The environment variable of a setting: ``app_id`` -> ``LOGTO_APP_ID``."""
        return f"{self.service}_{name}".upper()

    def called(self, name: str) -> str:
        """What to call a setting in errors."""
        return self.variable(name) if self.source is None else f"{name} of {self.source}"

    def is_given(self, *names: str) -> bool:
        """Whether one of the settings was given, and so goes before whatever the environment has."""
        return any(self.given.get(name) for name in names)

    def find(self, name: str) -> str | None:
        """
        The setting's value, or ``None``; a blank one counts as missing.

        Raises:
            ConfigurationError: It is no text that can be sent.
        """
        value = self._value(name) or ""
        if not isinstance(value, str):
            raise ConfigurationError(f"{self.called(name)} is no text", hint="Put it in quotes")
        value = value.strip()
        if value and not value.isprintable():
            raise ConfigurationError(
                f"{self.called(name)} holds a character that cannot be sent, such as a line end", hint="Set it again"
            )
        return value or None

    def flag(self, name: str) -> bool:
        """
        Whether a switch is on; ``False`` where it is missing.

        Raises:
            ConfigurationError: It is neither ``true`` nor ``false``.
        """
        value = self._value(name) or False
        if isinstance(value, str):
            value = _FLAGS.get(value.strip().lower(), value)
        if not isinstance(value, bool):
            raise ConfigurationError(f"{self.called(name)} is neither true nor false", hint="Choose one of the two")
        return value

    def url(self, name: str, value: str, *, example: str) -> str:
        """
        The URL in front of every request's path, without a trailing slash.

        Args:
            name: The setting that it is the value of, for errors.
            value: Scheme, host, and optionally port and path.
            example: What a right one looks like, for errors.

        Raises:
            ConfigurationError: It is no such URL, holds credentials, or is plain ``http`` to another machine.
        """
        called = self.called(name)
        return checked_base_url(value, setting=called, example=example, allow_insecure=self.allow_insecure)

    def require(self, *names: str) -> tuple[str, ...]:
        """
        The values of settings that an account cannot do without.

        Raises:
            ConfigurationError: Some are missing; it names all of them, and where they were looked for.
        """
        found = {name: self.find(name) for name in names}
        missing = [name for name, value in found.items() if value is None]
        if missing:
            several = len(missing) > 1
            subject = f"{listed(missing)} {'are' if several else 'is'} missing: {'they are' if several else 'it is'}"
            variables = listed([self.variable(name) for name in missing])
            if self.source is not None:
                raise ConfigurationError(f"{subject} not in {self.source}", hint=f"Add {listed(missing)} there")
            what = "arguments nor in the environment variables" if several else "an argument nor in the variable"
            raise ConfigurationError(f"{subject} neither {what} {variables}", hint=f"Set {variables}")
        return tuple(value for value in found.values() if value is not None)

    def _value(self, name: str) -> str | bool | None:
        value = self.given.get(name)
        if self.source is None and (value is None or value == ""):
            value = self.environment.get(self.variable(name))
        return Secret(value) if isinstance(value, str) and is_secret_name(name) else value


def worded(hint: str, *, variables: Mapping[str, str], source: str | None) -> str:
    """
    A hint that names environment variables, in the words of the settings' source.

    For an account of a file these are the settings as they are called there, and where that is; else the hint stays as it is.
    *variables* are the names of all settings of the service, by the variable.
    """
    known = rf"\b(?:{'|'.join(variables)})\b"
    first = re.search(rf"{known}(?:,? (?:and |or )?{known})*", hint)
    if source is None or first is None:
        return hint
    before, after = (
        re.sub(known, lambda found: variables[found[0]], part) for part in (hint[: first.end()], hint[first.end() :])
    )
    return f"{before} of {source}{after}"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
