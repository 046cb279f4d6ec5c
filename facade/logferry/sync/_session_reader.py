"""Reads a stream that the service returns session by session only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import anyio
from attrs import define, field

from logferry._errors import LogferryError, StoreError
from logferry.stores._coverage import Stretch
from logferry.stores._schema import record_batch
from logferry.sync._plan import Piece
from logferry.sync._reader import Reader
from logferry.sync._service_clock import ServiceClock
from logferry.sync._stretches import doubtful_stretches, read_stretches

if TYPE_CHECKING:
    from logferry._records.record import LogRecord
    from logferry._streams.incremental import Sessions
    from logferry._streams.views import Pages
    from logferry.stores._store import Question
    from logferry.sync._slices import Slice


@define
class _Begun:
    """
    The sessions that began in a piece.

    Attributes:
        unsettled: Start times of the sessions that must be read again, in nanoseconds since the epoch.
        doubtful: Start times of the sessions in which something may be missing.
        over: A moment that has passed by the service's clock.
        unknown: Whether a session without a known start time was not read completely.
        list_is_doubtful: Whether sessions may be missing.
    """

    over: int
    unsettled: list[int] = field(factory=list[int])
    doubtful: list[int] = field(factory=list[int])
    unknown: bool = False
    list_is_doubtful: bool = False


class SessionReader(Reader):
    """A stretch is complete once all sessions that began in it are, and a session once it has been over for a while."""

    async def slices(self) -> list[Slice]:
        """The slices that `run` would read; sends requests, to list the sessions."""
        sessions = self._sessions
        if sessions is None:
            return await super().slices()
        pieces, _, now = self._plan(self._filters)
        return [
            self._session_slice({**self._own(sessions), **asked}, now)
            for piece in pieces
            async for page in self._listed(sessions, piece, now)
            for session in page.items
            if (asked := self._asked(sessions, session)) is not None
        ]

    @property
    def _sessions(self) -> Sessions | None:
        """How sessions are listed; ``None`` if the caller's filters name one."""
        named = any(name in self._filters for name in self._definition.needs_one_of)
        return None if named else self._incremental.sessions

    async def _read_all(self) -> None:
        sessions = self._sessions
        if sessions is None:
            await super()._read_all()
            return
        question = self._question(self._filters)
        pieces, now = await self._planned(self._filters)
        self._progress.announce(pieces)
        for piece in pieces:
            before = self._commits.coverage(question)
            begun = await self._read_begun(sessions, question, piece, now)
            if self._progress.is_over:
                return
            if not begun.unknown:
                stretches = [*read_stretches(piece, begun.over, begun.unsettled, settling=self._incremental.settling)]
                if begun.list_is_doubtful:
                    stretches = [*doubtful_stretches(piece, before)]
                for time in begun.doubtful:
                    if piece.since <= time < piece.until:
                        stretches.append(Stretch(since=time, until=time + 1, state="gap"))
                await self._commits.add(question, stretches)
                self._conclude(piece, doubtful=begun.list_is_doubtful or bool(begun.doubtful))

    async def _read_begun(self, sessions: Sessions, question: Question, piece: Piece, now: int) -> _Begun:
        """Read the sessions that began in a piece, those of one page of the list concurrently."""
        service, covered, settling = ServiceClock(now), self._commits.coverage(question), self._incremental.settling
        begun = _Begun(service.over(now, covered, settling=settling))
        async for page in self._listed(sessions, piece, now):
            self._progress.doubt((*page.issues, *page.remarks))
            begun.list_is_doubtful = begun.list_is_doubtful or bool(page.issues)
            service.note(page)
            begun.over = service.over(now, covered, settling=settling)
            async with anyio.create_task_group() as tasks:
                for session in page.items:
                    tasks.start_soon(self._try_session, sessions, question, session, now, begun)
            if self._progress.is_over:
                break
        return begun

    def _listed(self, sessions: Sessions, piece: Piece, now: int) -> Pages[LogRecord]:
        """The sessions that began in a piece."""
        narrowing = {name: value for name, value in self._filters.items() if name in sessions.filters}
        return self._slice(narrowing, piece, now, stream=sessions.stream).records(self._client).pages()

    def _asked(self, sessions: Sessions, session: LogRecord) -> Mapping[str, str] | None:
        asked = sessions.question(session.raw)
        if asked is None:
            self._progress.doubt([f"{sessions.stream}: a session without an id cannot be read"])
        return asked

    def _session_slice(self, filters: Mapping[str, str], now: int) -> Slice:
        """A slice of one whole session."""
        return self._slice(filters, Piece(since=0, until=now), now, whole=True)

    async def _try_session(
        self, sessions: Sessions, question: Question, session: LogRecord, now: int, begun: _Begun
    ) -> None:
        asked, begin = self._asked(sessions, session), sessions.begin(session.raw)
        if asked is None:
            return
        read = await self._read_session({**self._own(sessions), **asked}, question, now)
        if begin is None:
            begun.unknown = begun.unknown or read != "whole"
        elif read == "doubtful":
            begun.doubtful.append(begin)
        elif read == "failed" or not sessions.is_over(session.raw, begun.over):
            begun.unsettled.append(begin)

    async def _read_session(
        self, filters: Mapping[str, str], question: Question, now: int
    ) -> Literal["whole", "doubtful", "failed"]:
        """Read a whole session, and return whether it was complete, may be incomplete, or failed."""
        doubtful = False
        async with self._limiter:
            if self._progress.is_over:
                return "failed"
            try:
                view = self._session_slice(filters, now).records(self._client)
                async for page in view.pages():
                    await self._commits.add(question, [], record_batch(page.items, raw=self._order.raw))
                    self._progress.note(page)
                    doubtful = doubtful or bool(page.issues)
                self.report.issues += view.stats.issues
            except StoreError:
                raise
            except LogferryError as error:
                self._progress.fail(error)
                return "failed"
            self._progress.finish_session()
            return "doubtful" if doubtful else "whole"

    def _own(self, sessions: Sessions) -> Mapping[str, str]:
        """The filters that do not belong to the list of sessions."""
        return {name: value for name, value in self._filters.items() if name not in sessions.filters}
