"""Times in and out: ISO 8601 text, ages, and integer nanoseconds since the epoch, without loss."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from logferry._errors import InvalidRequestError

Time: TypeAlias = datetime | date | timedelta | str
"""
A moment: an aware ``datetime``, ISO 8601 text (UTC where it has no offset; a bare date is its midnight), ``now``, the text of
a Unix time (9 or 10 digits are seconds, 12 or 13 are milliseconds, both with decimals or without), or an age.

An age counts back from now: a ``timedelta``, or text such as ``30s``, ``5min``, ``1h30m``, ``24h``, ``7d``, ``2w``,
``90 minutes``, ``1 day 12 hours``, ``1 month``, ``1 year``: each unit once, larger ones first, up to six digits of each; months
and years are calendar units.
"""

SECOND: Final = 1_000_000_000
"""Nanoseconds in a second."""

MILLISECOND: Final = 1_000_000
"""Nanoseconds in a millisecond."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST: Final = -62_135_596_800 * SECOND
"""The beginning of the year 1, in nanoseconds since the epoch: what lies before is no time."""

LAST: Final = 253_402_300_800 * SECOND
"""The end of the year 9999, in nanoseconds since the epoch: what lies beyond is no time."""
_ISO: Final = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d|\d{8}[Tt]\d{6})"
    r"(?:[.,](?P<fraction>\d{1,18}))?(?P<offset>[Zz]|[+-]\d\d(?::?\d\d)?)?"
)
_UTC_HOUR: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):", re.ASCII)
_SECOND_OF_HOUR: Final = re.compile(r"[0-5]\d:[0-5]\d", re.ASCII)
_FRACTIONS: Final = {"Z": 0, **{f".{count:03}Z": count * MILLISECOND for count in range(1000)}}
"""What follows the second in most texts: nothing, or milliseconds."""

_WITH_NANOSECONDS: Final = len("2026-11-20T08:47:06.496000000Z")
_MILLISECONDS: Final = 3
_WITHOUT_DIGITS: Final = len("2026-11-20T08:47:06.Z")
_ISO_OTHER: Final = re.compile(r"\d{4}[-W0-9w]{3,6}([Tt ][0-9:]{2,8}([Zz]|[+-]\d\d(:?\d\d)?)?)?")
_UNIX: Final = re.compile(r"(?P<whole>\d{9,10}|\d{12,13})(?:\.(?P<fraction>\d{1,9}))?", re.ASCII)
"""Seconds or milliseconds; eight digits are a date."""
_SECONDS_DIGITS: Final = 10
_UNITS: Final = {
    "years": "years?",
    "months": "months?",
    "weeks": "weeks?|w",
    "days": "days?|d",
    "hours": "hours?|hrs?|h",
    "minutes": "minutes?|mins?|m",
    "seconds": "seconds?|secs?|s",
}
_AGE: Final = re.compile(
    "".join(rf"(?:(?P<{unit}>\d{{1,6}})\s*(?:{names})(?![a-z])\s*)?" for unit, names in _UNITS.items()), re.ASCII
)
_FORMS: Final = (
    "Use ISO 8601, as in 2026-11-20T08:00:00Z, an age, as in 30s, 5min, 1h30m, 24h, 7d, 2w, 1 month, now, or Unix seconds or "
    "milliseconds"
)


class _Seconds(dict[str, int]):
    """Nanoseconds since the hour of a second, as ``47:06``; -1 for what is written in another way."""

    def __missing__(self, text: str) -> int:
        if not _SECOND_OF_HOUR.fullmatch(text):
            return -1
        second = self[text] = (int(text[:2]) * 60 + int(text[3:])) * SECOND
        return second


_SECONDS: Final = _Seconds()
"""Those that have been met, an hour's at most.  Texts share them: looking one up takes a third of reading it (measured)."""


def unix_nano(text: str) -> int:
    """Nanoseconds since the epoch of ISO 8601 text; UTC where it has no offset; digits beyond the ninth are cut."""
    match = _ISO.fullmatch(text)
    if match is None:
        if not _ISO_OTHER.fullmatch(text):
            raise ValueError(f"no date and time: {text!r}")
        return _datetime_nano(datetime.fromisoformat(text.upper()))
    seconds = _whole_seconds(match["second"], match["offset"] or "Z")
    fraction = match["fraction"]
    return seconds * SECOND + (int(fraction[:9].ljust(9, "0")) if fraction else 0)


def text_to_nano(text: object) -> int | None:
    """Nanoseconds since the epoch of a service's ISO 8601 text; ``None`` for what is no moment."""
    if not isinstance(text, str):
        return None
    # Services write times in UTC: the hour, which neighbours share, one of 3600 seconds, and three or nine digits.
    if len(text) == _WITH_NANOSECONDS and text[19] == "." and text[29] == "Z":
        fraction = int(digits) if (digits := text[20:29]).isdecimal() else None
    else:
        fraction = _FRACTIONS.get(text[19:])
    if fraction is not None:
        hour, second = _utc_hour(text[:14]), _SECONDS[text[14:19]]
        if hour is not None and second >= 0:
            return hour + second + fraction
    try:
        nanoseconds = unix_nano(text)
    except (ValueError, OverflowError):
        return None
    return nanoseconds if FIRST <= nanoseconds < LAST else None


def number_to_nano(number: object, unit: int) -> int | None:
    """
    Nanoseconds since the epoch of a number of units since then, whole or not, without loss; ``None`` for what is no moment.

    Args:
        number: Any value.
        unit: Nanoseconds in one, such as ``SECOND``.
    """
    if type(number) is int:
        nanoseconds = number * unit
    elif type(number) is float and FIRST < number < LAST:
        from decimal import Decimal  # noqa: PLC0415  # few services send fractions

        nanoseconds = int(Decimal(repr(number)) * unit)
    else:
        return None
    return nanoseconds if FIRST <= nanoseconds < LAST else None


def alike_to_nano(texts: Sequence[str]) -> list[int | None]:
    """
    Nanoseconds since the epoch of moments, as ``text_to_nano`` makes them, in half the time (measured).

    The texts are ISO 8601 in UTC as in ``2026-11-20T08:47:06Z``, all with as many digits of a second, at most nine.
    """
    times: list[int | None] = []
    add, seconds, hour, begin = times.append, _SECONDS, "", 0
    digits = len(texts[0]) - _WITHOUT_DIGITS if texts else 0
    unit = 10 ** (9 - digits)
    for text in texts:
        # Neighbours mostly share their hour.
        if text[:14] != hour:
            hour = text[:14]
            begin = text_to_nano(f"{hour}00:00Z") or 0
        if digits > _MILLISECONDS:
            add(begin + seconds[text[14:19]] + int(text[20:-1]) * unit)
        else:
            add(begin + seconds[text[14:19]] + _FRACTIONS[text[19:]])
    return times


@lru_cache(maxsize=512)
def _utc_hour(text: str) -> int | None:
    """Nanoseconds since the epoch of an hour in UTC, as ``2026-11-20T08:``; ``None`` for what is written in another way."""
    try:
        return _whole_seconds(f"{text}00:00", "Z") * SECOND if _UTC_HOUR.fullmatch(text) else None
    except ValueError:
        return None


@lru_cache(maxsize=512)
def _whole_seconds(second: str, offset: str) -> int:
    # Neighbouring records share their second, so most texts cost one look-up.
    return _datetime_nano(datetime.fromisoformat((second + offset).upper())) // SECOND


def _datetime_nano(moment: datetime) -> int:
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def rfc3339(nanoseconds: int) -> str:
    """The moment as RFC 3339 text in UTC with nine digits and ``Z``, such as ``2026-11-20T08:47:06.496000000Z``."""
    seconds = nanoseconds // SECOND
    # The last nine digits are the fraction; to take them is quicker than to work it out and to pad it (measured).
    fraction = str(nanoseconds)[-9:] if nanoseconds >= SECOND else f"{nanoseconds % SECOND:09}"
    return f"{_rfc3339_hour(seconds // 3600)}{_RESTS[seconds % 3600]}{fraction}Z"


@lru_cache(maxsize=512)
def _rfc3339_hour(hours: int) -> str:
    return f"{_EPOCH + timedelta(hours=hours):%Y-%m-%dT%H:}".rjust(14, "0")


class _Rests(dict[int, str]):
    """Minutes and seconds of the seconds since the hour, as in ``47:06.``; those that have been met."""

    def __missing__(self, seconds: int) -> str:
        rest = self[seconds] = f"{seconds // 60:02}:{seconds % 60:02}."
        return rest


_RESTS: Final = _Rests()


def utc_datetime(nanoseconds: int) -> datetime:
    """The moment as an aware ``datetime`` in UTC; what is finer than a microsecond is cut."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def moment(time: object, *, now: int, name: str) -> int:
    """
    Nanoseconds since the epoch of a ``Time`` that a caller gave as *name*; ages count back from *now*.

    Raises:
        InvalidRequestError: It is a naive ``datetime``, text of another form, or outside the years 1970 to 9999.
    """
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidRequestError(
                f"{name} is a datetime without a time zone", hint="Give it one, as in datetime.now(UTC)"
            )
        nanoseconds = _datetime_nano(time)
    elif isinstance(time, timedelta):
        nanoseconds = now - (time // timedelta(microseconds=1)) * 1000
    elif isinstance(time, date | str):
        nanoseconds = _age_or_text(str(time).strip(), now=now, name=name)
    else:
        raise InvalidRequestError(f"{name} is no time: {time!r}", hint=_FORMS)
    if not 0 <= nanoseconds < LAST:
        raise InvalidRequestError(f"{name} is outside the years 1970 to 9999")
    return nanoseconds


def duration_of(text: str) -> timedelta:
    """How long a text says, as in ``30s``, ``1h30m``, ``2 weeks``; months and years have no length, and raise ValueError."""
    counts = _counts(text.strip())
    if not counts or counts.keys() & {"months", "years"}:
        raise ValueError(f"no duration: {text!r}")
    return timedelta(**counts)


def _counts(text: str) -> dict[str, int]:
    """How many of which units an age has; nothing for what is no age."""
    age = _AGE.fullmatch(text)
    return {} if age is None else {unit: int(count) for unit, count in age.groupdict().items() if count is not None}


def _age_or_text(text: str, *, now: int, name: str) -> int:
    if text == "now":
        return now
    counts = _counts(text)
    unix = _UNIX.fullmatch(text)
    try:
        if unix is not None:
            unit = SECOND if len(unix["whole"]) <= _SECONDS_DIGITS else MILLISECOND
            return int(unix["whole"]) * unit + int((unix["fraction"] or "").ljust(9, "0")) * unit // SECOND
        if not counts:
            return unix_nano(text)
        months, years = counts.pop("months", 0), counts.pop("years", 0)
        if months or years:
            from dateutil.relativedelta import relativedelta  # noqa: PLC0415  # few ages are calendar units

            now = _datetime_nano(utc_datetime(now) - relativedelta(months=months, years=years)) + now % 1000
        return now - round(timedelta(**counts).total_seconds()) * SECOND
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError(
            f"{name} is no time: {text!r}",
            hint=_FORMS,
        ) from error
