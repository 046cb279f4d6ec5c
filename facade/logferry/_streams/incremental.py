"""How a stream is read again and again, so that a store has every record: what `sync` has to know of it beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from logferry._flow.steps import Position
from logferry._time.timestamps import SECOND

SETTLING: Final = 600 * SECOND
"""Records may come so late, in nanoseconds, unless a stream says otherwise."""


@frozen(kw_only=True)
class Sessions:
    """
    A stream that can only be asked session by session: another stream lists the sessions.

    Attributes:
        stream: The stream that lists them.
        filters: Its filters that narrow which sessions are read.
        question: From a listed item to the filters that ask for the session's records; ``None`` for an item without id.
        begin: From a listed item to when the session began, in nanoseconds since the epoch; ``None`` where unknown.
        is_over: Whether a listed session has been over for so long, at a time, that nothing more will come of it.
    """

    stream: str
    filters: tuple[str, ...] = ()
    question: Callable[[Any], Mapping[str, str] | None] = field(repr=False)
    begin: Callable[[Any], int | None] = field(repr=False)
    is_over: Callable[[Any, int], bool] = field(repr=False)


@frozen(kw_only=True)
class Incremental:
    """
    What reading a stream incrementally needs to know.

    Attributes:
        settling: How late records may come, in nanoseconds: what is younger when it is read, is read again later.
        retention: How long the service keeps records, in nanoseconds, unless configured otherwise; ``None`` where it
            keeps them for good, or does not say.
        windowed: Whether the service filters by time, so that a window costs what is in it.  Elsewhere all that is newer
            than a window is read on the way to it.
        ignores_bounds: Whether a place of the stream's flow shows that this service, unlike others, does not filter by time.
        questions: The filters of the questions that find all records, each once.
        is_final: Whether an item will not change any more, as seen at a time; ``None`` where items never change.
        resumable: Whether a walk can go on long after it was interrupted: not where items without ids are counted, as those
            that have come meanwhile cannot be told from those that were read.
        sessions: How its sessions are found, where it can only be asked for one; ``None`` elsewhere.
    """

    settling: int = SETTLING
    retention: int | None = None
    windowed: bool = True
    ignores_bounds: Callable[[Position], bool] | None = field(default=None, repr=False)
    questions: tuple[Mapping[str, str], ...] = ({},)
    is_final: Callable[[Any, int], bool] | None = field(default=None, repr=False)
    resumable: bool = True
    sessions: Sessions | None = None

    def asked(self, filters: Mapping[str, str]) -> list[Mapping[str, str]]:
        """The questions that find all records that filters let through; a filter can make several of them one."""
        found: list[Mapping[str, str]] = []
        for question in self.questions:
            one = {**question, **filters}
            if one not in found:
                found.append(one)
        return found
