"""What users write on the command line, read."""

from collections.abc import Iterable
from typing import Final

import click

from logferry._severities import lowest_severity
from logferry._times import duration_of

_LONGEST: Final = 365 * 86_400


def severity(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> int:
    """From OpenTelemetry's name, in any case, or a number, to the number; 0 for nothing."""
    try:
        return lowest_severity(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """From an age such as ``5m`` to seconds; ``None`` for nothing."""
    if value is None:
        return None
    try:
        seconds = duration_of(value).total_seconds()
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no duration such as 30s, 5m, 1h.") from error
    if not 1 <= seconds < _LONGEST:
        raise click.BadParameter(f"{value!r} is not from 1s to 365d.")
    return seconds


def pairs(_ctx: click.Context, _parameter: click.Parameter, values: Iterable[str]) -> dict[str, str]:
    """From ``KEY=VALUE`` texts to a mapping."""
    found: dict[str, str] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not (key and equals):
            raise click.BadParameter(f"{value!r} is not KEY=VALUE.")
        if key in found:
            raise click.BadParameter(f"{key!r} is given twice.")
        found[key] = text
    return found
