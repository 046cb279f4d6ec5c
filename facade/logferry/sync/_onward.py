"""Reads a stream forward from a cursor, so that a sync reads what is new and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from logferry._errors import CheckpointError, LogferryError, StoreError
from logferry._paging.forward import has_lost_cursor
from logferry._time.timestamps import LAST, rfc3339
from logferry.stores._coverage import Stretch
from logferry.stores._schema import record_batch
from logferry.sync._plan import Piece
from logferry.sync._reader import Reader
from logferry.sync._service_clock import ServiceClock

if TYPE_CHECKING:
    from logferry._records.record import LogRecord
    from logferry._streams.views import View


class OnwardReader(Reader):
    """
    Reads one stream whose service says what came after a cursor, late records included.

    The first sync reads windows, and then begins a cursor where what it read is settled.  The next one goes on from the cursor, so
    what is provisional is not read again: what came late came after the cursor.  The cursor is the checkpoint of the last stretch.
    """

    _kept: Stretch | None = None

    async def _read_missing(self, filters: Mapping[str, str]) -> None:
        self._kept = self._tail(filters, with_cursor=True)
        await super()._read_missing(filters)
        if self._order.until is None and not self._progress.is_over:
            async with self._limiter:
                await self._read_onward(filters)

    async def _read_onward(self, filters: Mapping[str, str]) -> None:
        try:
            try:
                await self._walk_onward(filters, self._kept or self._tail(filters))
            except LogferryError as error:
                if self._kept is None or not (has_lost_cursor(error) or isinstance(error, CheckpointError)):
                    raise
                self._progress.doubt(
                    ["the service has forgotten the cursor of the last sync: what came since is read by time"]
                )
                await self._commits.add(self._question(filters), [evolve(self._kept, checkpoint=None)])
                await self._read_again(filters)
        except StoreError:
            raise
        except LogferryError as error:
            self._progress.fail(error)

    async def _read_again(self, filters: Mapping[str, str]) -> None:
        """Read what is provisional by its window, and begin another cursor."""
        self._kept = None
        pieces, now = await self._planned(filters)
        self._progress.announce(pieces)
        for piece in pieces:
            await self._read_piece(filters, piece, now)
        await self._walk_onward(filters, self._tail(filters))

    def _tail(self, filters: Mapping[str, str], *, with_cursor: bool = False) -> Stretch | None:
        """The last stretch, if it is provisional; *with_cursor* only if it has one that can be used now."""
        now, order = self._clock.now(), self._order
        coverage = self._commits.coverage(self._question(filters))
        last = coverage.stretches[-1] if coverage.stretches else None
        if last is None or last.state != "provisional" or last.since >= now or order.until is not None:
            return None
        usable = last.checkpoint is not None and last.until <= now and not coverage.doubted(now)
        return last if usable or not with_cursor else None

    def _plan(self, filters: Mapping[str, str]) -> tuple[list[Piece], list[Stretch], int]:
        pieces, unknown, now = super()._plan(filters)
        if self._kept is None:
            return pieces, unknown, now
        begin = self._kept.since
        before = [evolve(one, until=min(one.until, begin)) for one in pieces if one.since < begin]
        return before, [one for one in unknown if one.since < begin], now

    async def _walk_onward(self, filters: Mapping[str, str], tail: Stretch | None) -> None:
        """Read from the cursor of the last stretch, or from its beginning, up to now; commit its pages on the way."""
        if tail is None:
            return
        now, question = self._clock.now(), self._question(filters)
        piece = Piece(since=min(tail.until, now), until=now)
        service, settling = ServiceClock(now), self._incremental.settling
        before, view, oldest, checkpoint = (
            self._commits.coverage(question),
            self._view(filters, tail),
            LAST,
            tail.checkpoint,
        )
        if tail.checkpoint is not None:
            self._progress.announce([piece])
        async for page in view.pages():
            checkpoint = page.checkpoint
            batch = record_batch(page.items, raw=self._order.raw)
            await self._commits.add(question, [evolve(tail, checkpoint=checkpoint)], batch)
            oldest = min([oldest, *(record.time_unix_nano or LAST for record in page.items)])
            service.note(page)
            self._progress.note(page)
        self.report.issues += view.stats.issues
        begun = service.over(now, self._commits.coverage(question), settling=settling)
        until = max(tail.until, now)
        settled = min(max(begun - settling, tail.since), until - 1)
        gone = (
            [*self._retention.gone(before, piece, oldest, begun=begun, now=begun)] if piece.since < piece.until else []
        )
        self.report.lost += [(one.since, one.until) for one in gone if one.state == "lost"]
        complete = Stretch(since=tail.since, until=settled, state="complete")
        rest = Stretch(since=settled, until=until, state="provisional", checkpoint=checkpoint)
        await self._commits.add(question, [complete, rest, *gone])
        if tail.checkpoint is not None:
            self._progress.finish(piece)

    def _view(self, filters: Mapping[str, str], tail: Stretch) -> View[LogRecord]:
        client: Any = self._client.with_options(concurrency=1)
        options = {"since": rfc3339(tail.since)} if tail.checkpoint is None else {"resume": tail.checkpoint}
        view: View[LogRecord] = client.stream(self._definition.name, filters=filters, **options).records().onward()
        return view
