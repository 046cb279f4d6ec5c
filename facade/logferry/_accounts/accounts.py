"""
Accounts: named sets of settings, from a configuration file or from the environment.

The file is ``logferry.toml``: the one that is named, by the caller or by ``LOGFERRY_CONFIG``; else that in the working
directory; else that in the user's configuration folder.  Without any, each service whose variables are set is an
account named after it.  An account of a file has its values from the file and its references only::

    [accounts.login]
    service = "logto"
    endpoint = "https://acme.logto.app"
    app_id = "m2m-app"
    app_secret = { env = "ACME_LOGTO_SECRET" }

A file that is only found in the working directory may be from anyone: it runs no commands, reads no files,
and of the environment it has only the variables that begin with ``LOGFERRY_``, and the service's own.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, Unpack

from attrs import field, frozen

from logferry._accounts.registry import Service, all_services, service_named
from logferry._config.paths import local_path
from logferry._config.secrets import Reference, read_reference, untrusted
from logferry._config.settings import Settings
from logferry._errors import ConfigurationError, ShortTraceback, suggestion
from logferry._http.rate import read_rate
from logferry._json import is_object
from logferry._redaction import hide_secrets
from logferry._time.timestamps import SECOND, duration_of

if TYPE_CHECKING:  # clients bring along httpx, which a look at the accounts does not need
    from logferry._client import Client
    from logferry._config.arguments import ClientOptions

FILE_NAME: Final = "logferry.toml"
"""What the configuration file is called where it is not named."""

VARIABLE: Final = "LOGFERRY_CONFIG"
"""The environment variable that names the configuration file."""

_OWN_KEYS: Final = ("service", "allow_insecure", "rate", "retention")
_HINT: Final = 'An account is a table: [accounts.login], service = "...", and the settings of the service'


@frozen(kw_only=True)
class Account:
    """
    A named set of credentials and settings for one service, from a *file* or (``None``) from the environment.

    *rate* is ``None`` for the service's own limit.  *retention* says how long the service keeps its logs, in nanoseconds;
    ``None`` is the usual time.  *values* are what the file says, by the setting's name.
    """

    name: str
    service: Service
    file: Path | None = None
    allow_insecure: bool = False
    rate: str | None = None
    retention: int | None = None
    values: Mapping[str, str | bool | Reference] = field(factory=dict[str, "str | bool | Reference"], repr=False)

    def has(self, setting: str) -> bool:
        """Whether it has a setting of this name, which then stands for a filter that a call leaves out."""
        if self.file is not None:
            return setting in self.values
        return setting in self.service.all_settings and Settings(service=self.service.name).find(setting) is not None

    def open(self, **options: Unpack[ClientOptions]) -> Client:
        """A client of the account; looks up its secrets, and raises ConfigurationError where a setting is missing or wrong."""
        hide_secrets(options)
        options["account"] = self.name
        if self.allow_insecure:
            options.setdefault("allow_insecure", True)
        if self.rate is not None:
            options.setdefault("rate", self.rate)
        with ShortTraceback():
            try:
                client = self.service.client.from_settings(self._settings(), **options)
                self._require_address_of_environment(client)
            except ConfigurationError as error:
                error.service, error.account = self.service.name, self.name
                raise
        return client

    def _require_address_of_environment(self, client: Client) -> None:
        """
        Refuse to send the credentials of the environment's account to another server, for a file that may be from anyone.

        This machine is not another server.  Where the variables alone make no account, they have no address either, and the
        file says it.
        """
        found = [value for value in self.values.values() if isinstance(value, Reference) and not value.trusted]
        if client.is_loopback or not any(one.kind == "env" and one.words[0] in one.variables for one in found):
            return
        try:
            described = self.service.client.from_env()
        except ConfigurationError:
            return
        if client.origin != described.origin:
            raise untrusted(
                f"[accounts.{self.name}] in {self.file}: the environment's variables are those of {described.origin}, "
                f"and are not sent to {client.origin} for"
            )

    def _settings(self) -> Settings:
        if self.file is None:
            return Settings(service=self.service.name)
        values = {
            name: value.look_up() if isinstance(value, Reference) else value for name, value in self.values.items()
        }
        return Settings(service=self.service.name, given=values, source=f"[accounts.{self.name}] in {self.file}")


def find_accounts(config: str | PurePath | None = None) -> tuple[Account, ...]:
    """All accounts: of the configuration file (default: see the module), or where there is none, of the environment."""
    found = configuration_file(config)
    if found is not None:
        with ShortTraceback():
            path, trusted = found
            return tuple(_read_account(path, name, table, trusted) for name, table in _read_tables(path).items())
    described = (Account(name=service.name, service=service) for service in all_services())
    return tuple(account for account in described if any(account.has(name) for name in account.service.all_settings))


def described_accounts(config: str | PurePath | None = None) -> list[str] | None:
    """The names of the configuration file's accounts, unchecked; ``None`` where there is no file."""
    found = configuration_file(config)
    with ShortTraceback():
        return None if found is None else list(_read_tables(found[0]))


def configuration_file(config: str | PurePath | None = None) -> tuple[Path, bool] | None:
    """The configuration file, if any; and whether it may read files and run commands: the user's own, or named."""
    named = config or os.environ.get(VARIABLE)
    if named:
        return local_path(named, f"--config or {VARIABLE}", "Name a file, such as logferry.toml").absolute(), True
    from platformdirs import user_config_path  # noqa: PLC0415  # only needed where no file is named

    own = user_config_path("logferry", appauthor=False) / FILE_NAME
    try:
        here = Path(FILE_NAME).absolute()
    except FileNotFoundError:  # the working directory is gone
        here = own
    if here.is_file():
        return here, own.exists() and here.samefile(own)
    return (own, True) if own.is_file() else None


def _read_tables(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(
            f"the configuration file {path} cannot be read: {error.strerror}", hint=f"Check --config and {VARIABLE}"
        ) from error
    except UnicodeDecodeError:
        # Not chained, here and below: the errors carry what the file holds.
        raise ConfigurationError(f"{path} is not UTF-8", hint="Save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is no TOML: {error}", hint=_HINT) from None
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deeply", hint=_HINT) from None
    unknown = [key for key in content if key != "accounts"]
    if unknown:
        raise ConfigurationError(f"{path}: {unknown[0]!r} is not known", hint=_HINT)
    tables = content.get("accounts", {})
    if not is_object(tables):
        raise ConfigurationError(f"{path}: 'accounts' is no table", hint=_HINT)
    return tables


def _read_account(path: Path, name: str, table: Any, trusted: bool) -> Account:  # noqa: FBT001  # private
    place = f"[accounts.{name}] in {path}"
    if not name or not name.isprintable():
        raise ConfigurationError(f"{path}: an account's name is empty, or cannot be printed", hint="Rename it")
    if not is_object(table):
        raise ConfigurationError(f"{path}: the account {name!r} is no table", hint=_HINT)
    wanted = table.get("service")
    if wanted is None:
        raise ConfigurationError(f"service of {place} is missing", hint=f"Known: {', '.join(_service_names())}")
    service = service_named(wanted) if isinstance(wanted, str) else None
    if service is None:
        raise ConfigurationError(f"service of {place} is not known", hint=suggestion(str(wanted), _service_names()))
    values: dict[str, str | bool | Reference] = {}
    for key, value in table.items():
        if key in _OWN_KEYS:
            continue
        if key not in service.all_settings:
            raise ConfigurationError(
                f"{key!r} of {place} is not known", hint=suggestion(key, [*_OWN_KEYS, *service.all_settings])
            )
        setting = f"{key} of {place}"
        values[key] = (
            value
            if isinstance(value, str | bool)
            else read_reference(
                value, setting=setting, folder=path.parent, trusted=trusted, variables=service.all_variables
            )
        )
    insecure = table.get("allow_insecure", False)
    if not isinstance(insecure, bool):
        raise ConfigurationError(f"allow_insecure of {place} is neither true nor false", hint="Choose one of the two")
    rate = table.get("rate")
    if rate is not None:
        read_rate(rate, setting=f"rate of {place}")
    return Account(
        name=name,
        service=service,
        file=path,
        allow_insecure=insecure,
        rate=rate,
        retention=_read_retention(table.get("retention"), place),
        values=values,
    )


def _service_names() -> list[str]:
    return [service.name for service in all_services()]


def _read_retention(text: object, place: str) -> int | None:
    if text is None:
        return None
    try:
        return round(duration_of(text if isinstance(text, str) else "").total_seconds()) * SECOND
    except ValueError as error:
        raise ConfigurationError(
            f"retention of {place} is no duration", hint='It looks like "24h", "14d", "2 weeks"'
        ) from error
