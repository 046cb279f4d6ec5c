"""Parsers of values on the command line."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from logferry._config.paths import followed, local_path
from logferry._records.severities import lowest_severity
from logferry._time.timestamps import duration_of

_LONGEST: Final = 365 * 86_400


class LocalPath(click.Path):
    """
    A path on this machine: ``~`` is expanded, and links are followed.

    Args:
        name: The option.
        instead: The hint for a user who gives a URL.
        dir_okay: Whether a folder is accepted.
    """

    def __init__(self, name: str, instead: str, *, dir_okay: bool = True) -> None:
        super().__init__(path_type=Path, dir_okay=dir_okay)
        self._name = name
        self._instead = instead

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:  # as its base class
        """Return the path."""
        return super().convert(followed(local_path(value, self._name, self._instead)), param, ctx)


def severity(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> int:
    """Return the number of a severity given by name, in any case, or by number; 0 for none."""
    try:
        return lowest_severity(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """Return the seconds of a duration such as ``5m`` or ``1h30m``; ``None`` for none."""
    if value is None:
        return None
    try:
        seconds = duration_of(value).total_seconds()
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a duration such as 30s, 5min, 1h30m.") from error
    if not 1 <= seconds < _LONGEST:
        raise click.BadParameter(f"{value!r} is not from 1s to 365d.")
    return seconds


def pairs(_ctx: click.Context, _parameter: click.Parameter, values: Iterable[str]) -> dict[str, str]:
    """Return a mapping of ``KEY=VALUE`` texts."""
    found: dict[str, str] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not (key and equals):
            raise click.BadParameter(f"{value!r} is not KEY=VALUE.")
        if key in found:
            raise click.BadParameter(f"{key!r} is given twice.")
        found[key] = text
    return found
