"""How many requests an account may make in how much time."""

from __future__ import annotations

import re
from typing import Final

from attrs import field, frozen, validators

from logferry._errors import ConfigurationError

_TEXT: Final = re.compile(r"(\d+)\s*/\s*(\d*(?:\.\d+)?)\s*(s|m|h)")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_NONE: Final = "none"
_HINT: Final = 'Give a text such as "20/s", "100/5s" or "1000/5m", or "none" for no bound'


def _number(value: float) -> float:
    """Attrs reads a converter's signature when the class is made: two milliseconds for a built-in one (measured)."""
    return float(value)


@frozen(kw_only=True)
class Rate:
    """
    A bound on requests: never more than *requests* in any span of *seconds*.

    Attributes:
        requests: How many.
        seconds: In how many seconds.
    """

    requests: int = field(validator=[validators.instance_of(int), validators.ge(1)])
    seconds: float = field(default=1.0, converter=_number, validator=[validators.gt(0), validators.lt(float("inf"))])

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds:g}s"


def read_rate(text: object, *, setting: str) -> Rate | None:
    """
    Read a rate such as ``20/s``, ``100/5s`` or ``1000/5m``; ``None`` for ``none``: no bound.

    Raises:
        ConfigurationError: *text*, which the error calls *setting*, is no rate.
    """
    if isinstance(text, str) and text.strip().lower() == _NONE:
        return None
    found = _TEXT.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if found is not None:
        requests, seconds = int(found[1]), float(found[2] or 1) * _UNITS[found[3]]
        if requests and 0 < seconds < float("inf"):
            return Rate(requests=requests, seconds=seconds)
    raise ConfigurationError(f"{setting} is no rate", hint=_HINT)
