"""Reads one stream of one account into a store: missing records, and records that may have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import anyio
from attrs import frozen

from logferry._errors import BadRequestError, CheckpointError, LogferryError, PagingError, StoreError
from logferry._streams.checkpoint import read_checkpoint
from logferry._time.timestamps import LAST, SECOND, rfc3339
from logferry.stores._coverage import Stretch
from logferry.stores._schema import record_batch
from logferry.stores._store import Question
from logferry.sync._plan import Piece, plan
from logferry.sync._progress import Progress
from logferry.sync._retention import Retention
from logferry.sync._service_clock import ServiceClock
from logferry.sync._slices import Slice
from logferry.sync._stretches import doubtful_stretches, read_stretches

if TYPE_CHECKING:
    from anyio import CapacityLimiter

    from logferry._client import Client
    from logferry._records.record import LogRecord
    from logferry._streams.definition import StreamDefinition
    from logferry._streams.views import Page
    from logferry._time.clock import Clock
    from logferry.sync._commits import Commits
    from logferry.sync._order import Order
    from logferry.sync._report import StreamReport

_AHEAD: Final = 366 * 86_400 * SECOND
"""Records dated at most this far in the future are read too."""


@frozen
class _Ignored(Exception):  # noqa: N818  # not an error: the sync plans again
    """The service ignores the bounds of a window, so the stream cannot be read in windows."""


def _parted(pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Split pieces into interrupted and new ones."""
    return [one for one in pieces if one.checkpoint is not None], [one for one in pieces if one.checkpoint is None]


class Reader:
    """
    Reads one stream of one account.

    Args:
        client: The account's client.
        definition: The stream.
        filters: Values by the filter's name in Python, as text.
        retention: How long the service keeps records, in nanoseconds; ``None`` if unknown.
        order: The options of the sync.
        commits: Takes what is read.
        limiter: Limits the slices of the account that are in flight.
        clock: The clock.
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
        self._order = order
        self._commits = commits
        self._limiter = limiter
        self._clock = clock
        self._retention = Retention(retention)
        self._windowed = self._incremental.windowed
        self._bounds_count = False
        self._progress = Progress(client.account, definition.name, order.told)

    @property
    def report(self) -> StreamReport:
        """The report of the stream."""
        return self._progress.report

    async def run(self) -> None:
        """
        Read what is missing; an error ends the stream and is kept in the report.

        Raises:
            StoreError: The store does not work.
        """
        try:
            await self._read_all()
        except StoreError:
            raise
        except LogferryError as error:
            self._progress.fail(error)
        self._progress.end()

    async def slices(self) -> list[Slice]:
        """The slices that `run` would read."""
        plans = [(filters, *self._plan(filters)) for filters in self._incremental.asked(self._filters)]
        return [self._slice(filters, piece, now) for filters, pieces, _, now in plans for piece in pieces]

    async def _read_all(self) -> None:
        for question in self._incremental.asked(self._filters):
            await self._read(question)

    async def _read(self, filters: Mapping[str, str]) -> None:
        """Read what is missing of a query."""
        self.report.warnings += self._retention.warnings(
            self._commits.coverage(self._question(filters)), self._clock.now()
        )
        ignored = False
        try:
            await self._read_missing(filters)
        except* _Ignored:
            ignored = True
        if ignored:
            self._windowed = False
            self._progress.start_anew()
            await self._read_missing(filters)

    async def _read_missing(self, filters: Mapping[str, str]) -> None:
        pieces, now = await self._planned(filters)
        self._progress.announce(pieces)
        interrupted, fresh = _parted(pieces)
        if interrupted:
            await self._read_pieces(filters, interrupted, now)
            # Late records may have arrived since these walks began: their newest part is planned again with the rest.
            pieces, now = await self._planned(filters)
            _, rest = _parted(pieces)
            self._progress.announce(rest, instead_of=fresh)
            fresh = rest
        await self._read_pieces(filters, fresh, now)

    async def _read_pieces(self, filters: Mapping[str, str], pieces: Sequence[Piece], now: int) -> None:
        # The first window shows whether the service respects bounds, so it is read alone.
        alone = int(self._incremental.ignores_bounds is not None and self._windowed)
        for piece in pieces[:alone]:
            await self._try_piece(filters, piece, now)
        async with anyio.create_task_group() as tasks:
            for piece in pieces[alone:]:
                tasks.start_soon(self._try_piece, filters, piece, now)

    async def _planned(self, filters: Mapping[str, str]) -> tuple[list[Piece], int]:
        """The pieces to read of a query, and the time of the plan; the store records their gaps first."""
        pieces, unknown, now = self._plan(filters)
        self.report.warnings += [
            f"the store is complete until {rfc3339(one.until)}, which lies ahead, so a clock was or is wrong: it is read "
            f"again from {rfc3339(one.since)} on"
            for one in unknown
            if one.state == "provisional"
        ]
        # Otherwise a store in which a late window is complete, and an early one is not, would begin with the late one.
        await self._commits.add(self._question(filters), unknown)
        return pieces, now

    def _plan(self, filters: Mapping[str, str]) -> tuple[list[Piece], list[Stretch], int]:
        """The pieces to read of a query, the gaps and doubted stretches to record before, and the time of the plan."""
        now, order = self._clock.now(), self._order
        kept = self._commits.coverage(self._question(filters))
        coverage, doubted = kept.trusted(now), kept.doubted(now)
        since, until = order.span(coverage.begin, now)
        pieces = plan(
            coverage, since=since, until=until, windowed=self._windowed, kept_since=self._retention.since(now)
        )
        gaps = [Stretch(since=first, until=last, state="gap") for first, last in coverage.unknown(since, until)]
        return pieces, [*doubted, *gaps], now

    async def _try_piece(self, filters: Mapping[str, str], piece: Piece, now: int) -> None:
        async with self._limiter:
            if self._progress.is_over:
                return
            try:
                await self._read_piece(filters, piece, now)
            except StoreError:
                raise
            except LogferryError as error:
                self._progress.fail(error)

    async def _read_piece(self, filters: Mapping[str, str], piece: Piece, now: int) -> None:
        try:
            await self._walk(filters, piece, now)
        except (BadRequestError, CheckpointError, PagingError):
            if piece.checkpoint is None:
                raise
            # The cursor has expired or the position is lost; the window can still be read from its start.
            await self._walk(filters, Piece(since=piece.since, until=piece.until), now)

    async def _walk(self, filters: Mapping[str, str], piece: Piece, now: int) -> None:
        """Read a piece to its end, and commit its pages on the way."""
        question, view = self._question(filters), self._slice(filters, piece, now).records(self._client)
        begun, changing, oldest, doubtful = piece.begun or now, list[int](), LAST, False
        service, settling = ServiceClock(begun), self._incremental.settling
        before = self._commits.coverage(question)
        # A window whose items can change is read in one walk; and a complete stretch never becomes partial.
        resumable = (
            self._incremental.resumable
            and self._incremental.is_final is None
            and (piece.checkpoint is not None or before.gaps(piece.since, piece.until) == [(piece.since, piece.until)])
        )
        async for page in view.pages():
            self._refuse_ignored_bounds(page, is_first=view.stats.pages == 1)
            doubtful = doubtful or bool(page.issues)
            progress = [
                Stretch(since=piece.since, until=piece.until, state="partial", checkpoint=page.checkpoint, begun=begun)
            ]
            if doubtful:
                # A walk that resumes behind this page would not find what is missing from it.
                progress = [*doubtful_stretches(piece, before)]
            batch = record_batch(self._wanted(page, piece, now), raw=self._order.raw)
            await self._commits.add(question, progress if doubtful or resumable else [], batch)
            oldest = min([oldest, *(record.time_unix_nano or LAST for record in page.items)])
            service.note(page)
            changing += self._changing(page, now)
            self._progress.note(page)
        self.report.issues += view.stats.issues
        # A local clock that is ahead must not make records complete too early, nor lost while the service keeps them.
        covered = self._commits.coverage(question)
        begun, now = (service.over(moment, covered, settling=settling) for moment in (begun, now))
        gone = [*self._retention.gone(before, piece, oldest, begun=begun, now=now)]
        self.report.lost += [(one.since, one.until) for one in gone if one.state == "lost"]
        stretches = [
            *(
                doubtful_stretches(piece, before)
                if doubtful
                else read_stretches(piece, begun, changing, settling=settling)
            ),
            *gone,
        ]
        await self._commits.add(question, stretches)
        self._conclude(piece, doubtful=doubtful)

    def _conclude(self, piece: Piece, *, doubtful: bool) -> None:
        if doubtful:
            self._progress.succeed()
        else:
            self._progress.finish(piece)

    def _question(self, filters: Mapping[str, str]) -> Question:
        return Question.of(self._client.account, self._definition.name, filters)

    def _slice(
        self,
        filters: Mapping[str, str],
        piece: Piece,
        now: int,
        *,
        stream: str | None = None,
        whole: bool = False,
    ) -> Slice:
        open_end = whole or not self._windowed or (piece.until >= now and self._order.until is None)
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

    def _wanted(self, page: Page[LogRecord], piece: Piece, now: int) -> Sequence[LogRecord]:
        """
        The records of a page that are in a piece, or dated in the future.

        Records of the future are taken by the walk that reaches now: without windows, no later walk meets them again.
        """
        if self._windowed:
            return page.items
        return [record for record in page.items if not piece.until <= record.time_unix_nano < now]

    def _changing(self, page: Page[LogRecord], now: int) -> Iterator[int]:
        is_final = self._incremental.is_final
        if is_final is not None:
            for record in page.items:
                if not is_final(record.raw, now):
                    yield record.time_unix_nano

    def _refuse_ignored_bounds(self, page: Page[LogRecord], *, is_first: bool) -> None:
        ignores = self._incremental.ignores_bounds
        if not self._windowed or ignores is None or self._bounds_count:
            return
        if ignores(read_checkpoint(page.checkpoint).position):
            raise _Ignored
        # With ignored bounds, the second page would have begun with the newest record again.
        self._bounds_count = not is_first
