"""The meeting sessions of the fake Daily, and the rows of each that a query selects."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import attrs

from logferry.testing._rows import Row
from logferry.testing.daily._history import Series, SessionHistory, numbers_between, uuid_text
from logferry.testing.daily._query import RowFilters
from logferry.testing.daily._scripted import ScriptedLines

__all__ = ["Sessions"]


@attrs.frozen
class Sessions:
    """
    The meeting sessions of a domain.

    Attributes:
        series: The times of a session's rows.
        meetings: Number of sessions with rows.
        domain: The domain's name.
        seed: Decides ids.
        rows: The scripted rows of each session; `None` for computed rows.
    """

    series: Series
    meetings: int
    domain: str
    seed: int
    rows: Sequence[Row] | None

    @cached_property
    def logs(self) -> tuple[SessionHistory, ...]:
        """The logs of each session."""
        return self._histories(metrics=False)

    @cached_property
    def _metrics(self) -> tuple[SessionHistory, ...]:
        return self._histories(metrics=True)

    @cached_property
    def _scripted(self) -> ScriptedLines | None:
        return None if self.rows is None else ScriptedLines(self.rows)

    def select(
        self,
        since: int | None,
        until: int | None,
        now: int,
        filters: RowFilters,
        *,
        metrics: bool,
        newest_first: bool = False,
    ) -> Sequence[dict[str, Any]]:
        """
        Return the rows of a session that match every filter, oldest first unless `newest_first`.

        The bounds are those of `Selection`.  Without `mtg_session_id` it is the first session of the participant.
        """
        participant, level = filters.get("user_session_id"), filters.get("log_level")
        found = self._session(filters.get("mtg_session_id"), participant, metrics=metrics)
        if found is None:
            return ()
        if self._scripted is not None:
            return self._scripted.select(
                found, since, until, now, participant=participant, level=level, newest_first=newest_first
            )
        first, end = numbers_between(self.series, since, until, now)
        rows = found.select(first, end, participant=participant, level=level)
        return attrs.evolve(rows, newest_first=newest_first)

    def _session(self, meeting: str | None, participant: str | None, *, metrics: bool) -> SessionHistory | None:
        for history in self._metrics if metrics else self.logs:
            if meeting in {None, history.meeting} and (participant is None or participant in history.participants):
                return history
        return None

    def _histories(self, *, metrics: bool) -> tuple[SessionHistory, ...]:
        return tuple(
            SessionHistory(
                self.series,
                self._id(f"meeting {meeting}"),
                tuple(self._id(f"participant {meeting} {participant}") for participant in range(2)),
                self.domain,
                metrics,
            )
            for meeting in range(self.meetings)
        )

    def _id(self, name: str) -> str:
        digest = hashlib.sha256(f"logferry fake daily {self.seed} {name}".encode()).digest()
        return uuid_text(int.from_bytes(digest[:16], "big"))
