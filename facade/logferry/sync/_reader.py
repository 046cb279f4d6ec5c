"""Reads one stream of one account into a store: what is missing, and what may have changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import anyio
from attrs import frozen

from logferry._checkpoint import read_checkpoint
from logferry._errors import CheckpointError, LogferryError, PagingError, StoreError
from logferry._times import SECOND, rfc3339
from logferry.stores._coverage import Coverage, Stretch
from logferry.stores._schema import record_batch
from logferry.sync._plan import Piece, plan
from logferry.sync._report import StreamReport, Told
from logferry.sync._slices import Slice

if TYPE_CHECKING:
    from anyio import CapacityLimiter

    from logferry._client import Client
    from logferry._clock import Clock
    from logferry._definition import StreamDefinition
    from logferry._incremental import Sessions
    from logferry._record import LogRecord
    from logferry._stream import Page
    from logferry.stores._store import Question
    from logferry.sync._commits import Commits

_AHEAD: Final = 366 * 86_400 * SECOND
"""Records that are dated so far in the future at most come too."""


@frozen(kw_only=True)
class Order:
    """
    What a caller wants of a sync.

    Attributes:
        since: How far back to go, in nanoseconds since the epoch; ``None`` for where the store begins.
        first: Where to begin a stream of which the store has nothing, unless `since` says.
        until: Up to where; ``None`` for now.
        raw: Keep the items as received, too.
        config: The configuration file, where one was named.
        told: Is told how it gets on.
    """

    since: int | None = None
    first: int = 0
    until: int | None = None
    raw: bool = False
    config: str | None = None
    told: Told | None = None


@frozen
class _Ignored(Exception):  # noqa: N818  # it is no error: the plan is made anew
    """The service ignores the bounds of a window, so windows make no sense."""


class Reader:
    """
    Reads one stream of one account.

    Args:
        client: The account's client.
        definition: The stream.
        filters: Values by the filter's name in Python, as text.
        retention: How long the service keeps records, in nanoseconds; ``None`` where nobody knows.
        order: What the caller wants.
        commits: Takes what is read.
        limiter: How many slices of the account are read at once.
        clock: Tells the time.
    """

    def __init__(
        self,
        client: Client,
        definition: StreamDefinition[Any, Any, Any],
        filters: Mapping[str, str],
        *,
        retention: int | None,
        order: Order,
        commits: Commits,
        limiter: CapacityLimiter,
        clock: Clock,
    ) -> None:
        self._client = client
        self._definition = definition
        self._incremental = definition.incremental
        self._filters = filters
        self._retention = retention
        self._order = order
        self._commits = commits
        self._limiter = limiter
        self._clock = clock
        self._windowed = self._incremental.windowed
        self.report = StreamReport(account=client.account, stream=definition.name)

    async def run(self) -> None:
        """
        Read what is missing; an error ends the stream and is kept in the report.

        Raises:
            StoreError: The store does not work.
        """
        sessions = self._sessions()
        try:
            if sessions is not None:
                await self._read_sessions(sessions)
                return
            for question in self._incremental.questions:
                await self._read({**question, **self._filters})
        except StoreError:
            raise
        except LogferryError as error:
            self._fail(error)

    async def slices(self) -> list[Slice]:
        """What `run` would read, unread; sessions are listed, which asks the service."""
        sessions = self._sessions()
        if sessions is None:
            asked = [{**question, **self._filters} for question in self._incremental.questions]
            plans = [(filters, *self._planned(filters)) for filters in asked]
            return [self._slice(filters, piece, now) for filters, _, pieces, now in plans for piece in pieces]
        _, pieces, now = self._planned(self._filters)
        return [
            self._slice(filters, Piece(since=0, until=now), now)
            for piece in pieces
            async for page in self._listing(sessions, piece, now)
            for filters, _, _ in self._asked(sessions, page, now)
        ]

    def _sessions(self) -> Sessions | None:
        """How its sessions are found, unless the caller names one."""
        named = any(name in self._filters for name in self._definition.needs_one_of)
        return None if named else self._incremental.sessions

    async def _read(self, filters: Mapping[str, str]) -> None:
        question, pieces, now = self._planned(filters)
        first = pieces[:1] if self._incremental.ignores_bounds is not None and self._windowed else []
        try:
            for piece in first:
                await self._read_piece(filters, piece, now)
        except _Ignored:
            self._windowed = False
            self.report.planned = self.report.span = 0
            await self._read(filters)
            return
        async with anyio.create_task_group() as tasks:
            for piece in pieces[len(first) :]:
                tasks.start_soon(self._try_piece, filters, piece, now)
        del question

    def _planned(self, filters: Mapping[str, str]) -> tuple[Question, list[Piece], int]:
        """What there is to be read of a question now."""
        now, order = self._clock.now(), self._order
        question = self._slice(filters, Piece(since=0, until=0), now).question
        coverage = self._commits.coverage(question)
        begin = coverage.begin
        if order.since is None:
            since = order.first if begin is None else begin
        else:
            since = order.since if begin is None else min(order.since, begin)
        retention = self._retention
        if retention is not None:
            self._warn_of_retention(coverage, now, retention)
        pieces = plan(
            coverage,
            since=since,
            until=now if order.until is None else min(order.until, now),
            windowed=self._windowed,
            kept_since=None if retention is None else now - retention,
        )
        self.report.planned += len(pieces)
        self.report.span += sum(piece.until - piece.since for piece in pieces)
        self._tell()
        return question, pieces, now

    async def _try_piece(self, filters: Mapping[str, str], piece: Piece, now: int) -> None:
        try:
            await self._read_piece(filters, piece, now)
        except StoreError:
            raise
        except LogferryError as error:
            self._fail(error)

    async def _read_piece(self, filters: Mapping[str, str], piece: Piece, now: int) -> None:
        async with self._limiter:
            if self.report.failure is not None:
                return
            try:
                await self._walk(filters, piece, now)
            except (CheckpointError, PagingError):
                if piece.checkpoint is None:
                    raise
                # Its cursor has expired, or its place is lost: the window is still there.
                await self._walk(filters, Piece(since=piece.since, until=piece.until, outlived=piece.outlived), now)

    async def _walk(self, filters: Mapping[str, str], piece: Piece, now: int) -> None:
        """Read a piece to its end, committing on the way."""
        cut = self._slice(filters, piece, now)
        question, view = cut.question, cut.records(self._client)
        begun, found, ahead, changing = piece.begun or now, 0, 0, list[int]()
        before = self._commits.coverage(question)
        # Where an item can change, all of its window has to be looked at in one go; and what is complete stays so.
        resumable = self._incremental.is_final is None and (
            piece.checkpoint is not None or before.gaps(piece.since, piece.until) == [(piece.since, piece.until)]
        )
        async for page in view.pages():
            self._refuse_ignored_bounds(page)
            progress = Stretch(
                since=piece.since, until=piece.until, state="partial", checkpoint=page.checkpoint, begun=begun
            )
            await self._commits.add(
                question, [progress] if resumable else [], record_batch(page.items, raw=self._order.raw)
            )
            found, ahead = found + len(page.items), max(ahead, page.clock_ahead_nano)
            changing += self._changing(page, now)
            self._note(page)
        self.report.issues += view.stats.issues
        stretches = list(self._read_stretches(piece, begun - ahead, changing))
        if piece.outlived and not found:
            # What was read before has lost nothing: nothing more can come.
            lost = before.missing(piece.since, piece.until)
            stretches = [Stretch(since=piece.since, until=piece.until, state="complete")]
            stretches += [Stretch(since=since, until=until, state="lost") for since, until in lost]
            if before.begin is not None and before.begin < piece.since:
                self.report.lost += lost
        await self._commits.add(question, stretches)
        self._finish(piece)

    async def _read_sessions(self, sessions: Sessions) -> None:
        """Read what is missing session by session: a stretch is complete once all sessions that began in it are."""
        question, pieces, now = self._planned(self._filters)
        for piece in pieces:
            changing: list[int] = []
            ahead = 0
            async with anyio.create_task_group() as tasks:
                async for page in self._listing(sessions, piece, now):
                    ahead = max(ahead, page.clock_ahead_nano)
                    for filters, begin, is_over in self._asked(sessions, page, now):
                        if begin is not None and not is_over:
                            changing.append(begin)
                        tasks.start_soon(self._try_session, filters, question, now)
            if self.report.failure is not None:
                return
            await self._commits.add(question, self._read_stretches(piece, now - ahead, changing))
            self._finish(piece)

    def _listing(self, sessions: Sessions, piece: Piece, now: int) -> AsyncIterator[Page[LogRecord]]:
        """The sessions that began within a piece."""
        narrowing = {name: value for name, value in self._filters.items() if name in sessions.filters}
        return aiter(self._slice(narrowing, piece, now, stream=sessions.stream).records(self._client).pages())

    def _asked(
        self, sessions: Sessions, page: Page[LogRecord], now: int
    ) -> Iterator[tuple[dict[str, str], int | None, bool]]:
        """Of each session of a page: the filters that ask for it, when it began, and whether it is over for good."""
        own = {name: value for name, value in self._filters.items() if name not in sessions.filters}
        for record in page.items:
            asked = sessions.question(record.raw)
            if asked is None:
                self.report.doubts.append(f"{sessions.stream}: a session without an id cannot be asked for")
            else:
                yield {**own, **asked}, sessions.begin(record.raw), sessions.is_over(record.raw, now)

    async def _try_session(self, filters: Mapping[str, str], question: Question, now: int) -> None:
        """Read all of a session; it is complete only together with the others that began when it did."""
        async with self._limiter:
            if self.report.failure is not None:
                return
            try:
                view = self._slice(filters, Piece(since=0, until=now), now).records(self._client)
                async for page in view.pages():
                    await self._commits.add(question, [], record_batch(page.items, raw=self._order.raw))
                    self._note(page)
                self.report.issues += view.stats.issues
            except StoreError:
                raise
            except LogferryError as error:
                self._fail(error)

    def _slice(self, filters: Mapping[str, str], piece: Piece, now: int, *, stream: str | None = None) -> Slice:
        open_end = piece.until >= now and self._order.until is None
        return Slice(
            account=self._client.account,
            stream=stream or self._definition.name,
            filters=filters,
            since=piece.since,
            until=piece.until,
            read_until=now + _AHEAD if open_end else piece.until,
            checkpoint=piece.checkpoint,
            config=self._order.config,
        )

    def _read_stretches(self, piece: Piece, begun: int, changing: Sequence[int]) -> Iterator[Stretch]:
        """
        What a store has of a piece that was read to its end.

        Args:
            piece: The piece.
            begun: When reading it began, by the service's clock where that is behind ours: what it has not written yet
                must not count as read.
            changing: Times of records that may still change.
        """
        settled = min(max(begun - self._incremental.settling, piece.since), piece.until)
        yield Stretch(since=piece.since, until=settled, state="complete")
        yield Stretch(since=settled, until=piece.until, state="provisional")
        for time in changing:
            if piece.since <= time < piece.until:
                yield Stretch(since=time, until=time + 1, state="provisional")

    def _changing(self, page: Page[LogRecord], now: int) -> Iterator[int]:
        is_final = self._incremental.is_final
        if is_final is not None:
            for record in page.items:
                if not is_final(record.raw, now):
                    yield record.time_unix_nano

    def _refuse_ignored_bounds(self, page: Page[LogRecord]) -> None:
        ignores = self._incremental.ignores_bounds
        if self._windowed and ignores is not None and ignores(read_checkpoint(page.checkpoint).position):
            raise _Ignored

    def _warn_of_retention(self, coverage: Coverage, now: int, retention: int) -> None:
        until = coverage.complete_until
        if until is not None and now - until > retention // 2:
            self.report.warnings.append(
                f"the store ends at {rfc3339(until)}, and the service keeps records for {retention / SECOND / 3600:g} h "
                "only: sync more often"
            )

    def _note(self, page: Page[LogRecord]) -> None:
        self.report.records += len(page.items)
        self.report.doubts += page.issues
        self._tell()

    def _finish(self, piece: Piece) -> None:
        self.report.slices += 1
        self.report.covered += piece.until - piece.since
        self._tell()

    def _fail(self, error: LogferryError) -> None:
        self.report.failure = self.report.failure or error
        self._tell()

    def _tell(self) -> None:
        if self._order.told is not None:
            self._order.told(self.report)
