"""
The two kinds of item on a page: a log, and the remains of a deleted one.

Each list has functions of its own, since the types that they return say which part of the spec its stream is made of.
"""

from __future__ import annotations

from typing import Any, Final

from logferry.extend import Repaired, is_object
from logferry_clients.signalwire.models.conference_log import ConferenceLog, ConferenceLogJson, repair_conference_log
from logferry_clients.signalwire.models.discarded_log import (
    DiscardedLog,
    DiscardedLogJson,
    DiscardedLogKey,
    repair_discarded_log,
)
from logferry_clients.signalwire.models.fax_log import FaxLog, FaxLogJson, repair_fax_log
from logferry_clients.signalwire.models.message_log import MessageLog, MessageLogJson, repair_message_log
from logferry_clients.signalwire.models.video_log import VideoLog, VideoLogJson, repair_video_log
from logferry_clients.signalwire.models.voice_log import VoiceLog, VoiceLogJson, repair_voice_log

_MARK: Final[DiscardedLogKey] = "discarded_at"


def is_discarded(item: object) -> bool:
    """Whether an item is the remains of a deleted log, whatever its shape."""
    return is_object(item) and item.get(_MARK) is not None


def repair_video(item: object) -> Repaired[VideoLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_video_log(item)


def video_entry(item: Any) -> VideoLog | DiscardedLog:
    return DiscardedLog.from_dict(item) if is_discarded(item) else VideoLog.from_dict(item)


def repair_voice(item: object) -> Repaired[VoiceLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_voice_log(item)


def voice_entry(item: Any) -> VoiceLog | DiscardedLog:
    return DiscardedLog.from_dict(item) if is_discarded(item) else VoiceLog.from_dict(item)


def repair_message(item: object) -> Repaired[MessageLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_message_log(item)


def message_entry(item: Any) -> MessageLog | DiscardedLog:
    return DiscardedLog.from_dict(item) if is_discarded(item) else MessageLog.from_dict(item)


def repair_fax(item: object) -> Repaired[FaxLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_fax_log(item)


def fax_entry(item: Any) -> FaxLog | DiscardedLog:
    return DiscardedLog.from_dict(item) if is_discarded(item) else FaxLog.from_dict(item)


def repair_conference(item: object) -> Repaired[ConferenceLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_conference_log(item)


def conference_entry(item: Any) -> ConferenceLog | DiscardedLog:
    return DiscardedLog.from_dict(item) if is_discarded(item) else ConferenceLog.from_dict(item)
