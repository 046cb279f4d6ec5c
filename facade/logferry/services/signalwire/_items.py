"""The two kinds of item on a page of video logs, as one type."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from logferry.extend import Repaired, is_object
from logferry_clients.signalwire.models.discarded_log import (
    DiscardedLog,
    DiscardedLogJson,
    DiscardedLogKey,
    fits_discarded_log,
    repair_discarded_log,
)
from logferry_clients.signalwire.models.video_log import VideoLog, VideoLogJson, fits_video_log, repair_video_log

_MARK: Final[DiscardedLogKey] = "discarded_at"

VideoItemJson: TypeAlias = VideoLogJson | DiscardedLogJson
"""The JSON of a video log, or of the remains of a deleted one."""


def is_discarded(item: object) -> bool:
    """Whether an item is the remains of a deleted log, whatever its shape."""
    return is_object(item) and item.get(_MARK) is not None


def fits_item(item: object) -> bool:
    """Whether an item has the shape of its kind."""
    return fits_discarded_log(item) if is_discarded(item) else fits_video_log(item)


def repair_item(item: object) -> Repaired[VideoItemJson]:
    """Change an item to fit its kind."""
    return repair_discarded_log(item) if is_discarded(item) else repair_video_log(item)


def item_entry(item: Any) -> VideoLog | DiscardedLog:
    """The typed model of an item that fits."""
    return DiscardedLog.from_dict(item) if is_discarded(item) else VideoLog.from_dict(item)
