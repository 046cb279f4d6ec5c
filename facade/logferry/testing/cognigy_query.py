"""What the fake Cognigy reads of a query, and what it answers where that cannot be."""

from collections.abc import Mapping
from datetime import UTC, datetime

from logferry.testing.cognigy_history import History

__all__ = ["Refusal", "cursor", "date", "whole"]


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of the fake
    """The service answers with an error instead."""

    def __init__(self, status: int, code: int, title: str, detail: str) -> None:
        super().__init__(status, code)
        self.status, self.code, self.title, self.detail = status, code, title, detail


def whole(values: Mapping[str, str], name: str, default: int, least: int, most: int | None) -> int:
    """Return a whole number within bounds, or the default where there is none."""
    text = values.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < least or (most is not None and int(text) > most):
        raise Refusal(400, 1005, "Bad Request", f"{name} is out of bounds.")
    return int(text)


def date(values: Mapping[str, str], name: str, default: int) -> int:
    """Return an ISO 8601 date in milliseconds since 1970-01-01 UTC, or the default where there is none."""
    text = values.get(name)
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, 1005, "Bad Request", f"{name} must be an ISO 8601 date.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def cursor(values: Mapping[str, str], name: str) -> int | None:
    """Return the number of the entry that a cursor names, or `None` where there is no cursor."""
    text = values.get(name)
    if not text:
        return None
    number = History.number_at(text)
    if number is None:
        raise Refusal(400, 1005, "Bad Request", f"{name} is not a valid cursor.")
    return number
