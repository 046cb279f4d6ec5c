"""Settings of an account: arguments first, and what is missing from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from attrs import field, frozen

from logferry._errors import ConfigurationError


@frozen
class Settings:
    """
    Looks up the settings of one service.

    Attributes:
        prefix: In front of every environment variable, such as ``"LOGTO_"``.
        environment: Where the variables are looked up.
    """

    prefix: str
    environment: Mapping[str, str] = field(factory=lambda: os.environ, repr=False)

    def variable(self, name: str) -> str:
        """The environment variable of a setting: ``app_id`` -> ``LOGTO_APP_ID``."""
        return self.prefix + name.upper()

    def find(self, name: str, argument: str | None) -> str | None:
        """The setting's value, or ``None``; a blank one counts as missing."""
        return (argument or self.environment.get(self.variable(name)) or "").strip() or None

    def require(self, name: str, argument: str | None) -> str:
        """
        The setting's value.

        Raises:
            ConfigurationError: It is neither given nor in the environment.
        """
        value = self.find(name, argument)
        if value is None:
            raise ConfigurationError(
                f"{name} is missing: it is neither an argument nor in the environment variable {self.variable(name)}",
                hint=f"Set {self.variable(name)}",
            )
        if not value.isprintable():
            raise ConfigurationError(
                f"{name} holds a character that cannot be sent, such as a line end", hint=f"Check {self.variable(name)}"
            )
        return value
