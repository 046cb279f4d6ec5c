"""OpenTelemetry's severities, by name and by number."""

from __future__ import annotations

from typing import Final

TRACE: Final = 1
DEBUG: Final = 5
INFO: Final = 9
WARN: Final = 13
ERROR: Final = 17
FATAL: Final = 21

SEVERITIES: Final = {"TRACE": TRACE, "DEBUG": DEBUG, "INFO": INFO, "WARN": WARN, "ERROR": ERROR, "FATAL": FATAL}
"""OpenTelemetry's names, with the lowest number of each."""

_HIGHEST: Final = 24


def lowest_severity(value: str | int | None) -> int:
    """The number of a severity: from OpenTelemetry's name, in any case, or a number from 1 to 24; 0 for ``None``; else ValueError."""
    if value is None:
        return 0
    text = str(value)
    number = SEVERITIES.get(text.upper().removesuffix("ING"))
    if number is None and text.isascii() and text.isdigit():
        number = int(text)
    if number is None or not 1 <= number <= _HIGHEST:
        raise ValueError(f"{value!r} is none of {', '.join(SEVERITIES).lower()}, nor a number from 1 to {_HIGHEST}.")
    return number
