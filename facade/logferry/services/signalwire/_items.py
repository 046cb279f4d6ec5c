"""The two kinds of item on a page: a log, and the remains of a deleted one."""

from __future__ import annotations

from typing import Final

from logferry.extend import is_object
from logferry_clients.signalwire.models.discarded_log import DiscardedLogKey

_MARK: Final[DiscardedLogKey] = "discarded_at"


def is_discarded(item: object) -> bool:
    """Whether an item is the remains of a deleted log, whatever its shape."""
    return is_object(item) and item.get(_MARK) is not None
