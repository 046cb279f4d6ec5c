"""Runs a sync once or at an interval, shows its progress, and stops it between two commits."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from logferry._errors import LogferryError, ServiceError, StoreError
from logferry._http.options import Timeouts
from logferry._time.timestamps import rfc3339
from logferry.cli._interrupts import ENDING, PATIENCE
from logferry.cli._pull.run import DEFAULT_SINCE
from logferry.cli._shell import INTERRUPTED, counted, talk, tell, tell_doubts, tell_error, tell_undecoded
from logferry.cli._sync.progress import SyncProgress

if TYPE_CHECKING:
    from anyio import CancelScope

    from logferry._ferry.ferry import Ferry
    from logferry.sync import StreamReport, Sync, SyncReport

_JITTER: Final = 0.1
"""Share by which an interval varies, so that many machines do not send requests at the same second."""


def jittered(every: float, chance: float) -> float:
    """
    Return the seconds from the start of a run to that of the next: the interval, plus or minus a tenth.

    Args:
        every: The interval in seconds.
        chance: A random number from 0 to 1.
    """
    return every * (1 + _JITTER * (2 * chance - 1))


@frozen(kw_only=True)
class Syncing:
    """
    A sync, with the options of its command line.

    Attributes:
        streams: Names of streams; empty for all.
        accounts: Names of accounts; empty for all.
        store: The name of the store.
        since: Begin of the windows, as typed.
        until: End of the windows, as typed.
        filters: Values by the filter's name in Python or on the wire.
        raw: Store the items as received.
        every: Seconds between two runs; ``None`` for one run.
        timeout: Timeout of one request in seconds, or ``None`` for the default.
    """

    streams: tuple[str, ...]
    accounts: tuple[str, ...]
    store: str
    since: str | None
    until: str | None
    filters: Mapping[str, str]
    raw: bool
    every: float | None
    timeout: float | None

    def run(self) -> int:
        """
        Run the sync.

        Returns:
            The exit code: 0, or the highest of the errors, which have been printed; that of a partial result if records are
            lost; 130 after Ctrl-C.

        Raises:
            LogferryError: The command line cannot be right, or the store fails.
        """
        import anyio  # noqa: PLC0415  # slow to import

        return anyio.run(self._run)

    async def _run(self) -> int:
        import anyio  # noqa: PLC0415

        from logferry._ferry.ferry import open_accounts  # noqa: PLC0415  # brings along httpx

        progress = SyncProgress(sys.stderr, verbose=talk().verbose)
        stopped: list[signal.Signals] = []
        failures: list[LogferryError] = []
        code = 0
        calls = progress.hooks
        if self.timeout is not None:
            calls["timeout"] = Timeouts(whole=self.timeout)
        async with open_accounts(talk().config, **calls) as ferry:
            sync = self._sync(ferry, progress)
            working = anyio.CancelScope()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_stop_at_signals, working, stopped)
                with working:
                    try:
                        code = await self._bring(sync, progress)
                    except LogferryError as error:  # the group would wrap it
                        failures.append(error)
                tasks.cancel_scope.cancel()
        if failures:
            raise failures[0]
        if stopped:
            tell("", "stopped; the records read so far are in the store, and the next sync resumes there")
            return INTERRUPTED
        return code

    def _sync(self, ferry: Ferry, progress: SyncProgress) -> Sync:
        options: dict[str, Any] = {} if self.since else {"first_since": DEFAULT_SINCE}
        return ferry.sync(
            self.store,
            accounts=self.accounts,
            streams=self.streams,
            filters=self.filters,
            since=self.since,
            until=self.until,
            raw=self.raw,
            told=progress.told,
            **options,
        )

    async def _bring(self, sync: Sync, progress: SyncProgress) -> int:
        import anyio  # noqa: PLC0415

        has_run = False
        while True:
            begin = time.monotonic()
            try:
                with progress:
                    report = await sync.arun()
            except StoreError as error:
                if not has_run:
                    raise
                # Another program has locked the store, or the disk is full: the next run can succeed.
                tell_error(error)
            else:
                has_run = True
                code = self._tell(report, time.monotonic() - begin)
                if self.every is None:
                    return code
            pause = jittered(self.every or 0.0, random.random())  # noqa: S311  # not for security
            await anyio.sleep(max(0.0, pause - (time.monotonic() - begin)))

    def _tell(self, report: SyncReport, seconds: float) -> int:
        """Print the result and the errors, and return the exit code."""
        for one in report:
            _tell_of(one)
        tell("", f"{self.store}: {counted(report.records, 'record')} read in {seconds:.1f} s")
        # A loss is printed once only, so the exit code shows it as well.
        partial = [ServiceError.exit_code] if any(one.lost for one in report) else []
        return max((*partial, *(error.exit_code for error in report.failures)), default=0)


def _tell_of(one: StreamReport) -> None:
    label = one.stream if one.account == one.stream.partition(".")[0] else f"{one.stream} (account {one.account})"
    for since, until in one.lost:
        tell(
            "Warning",
            f"{label}: lost: the service no longer keeps records of [{rfc3339(since)}, {rfc3339(until)}) any more",
        )
    for text in dict.fromkeys(one.warnings):
        tell("Warning", f"{label}: {text}")
    tell_doubts(label, one.doubts)
    tell_undecoded(label, one.issues)
    if one.failure is not None:
        tell_error(one.failure)
    if one.stream and talk().verbose:
        done = "" if one.slices == one.planned else f", {one.slices} of {counted(one.planned, 'slice')}"
        tell("", f"{label}: {counted(one.records, 'record')} read{done}")


async def _stop_at_signals(working: CancelScope, stopped: list[signal.Signals]) -> None:
    """Stop at Ctrl-C, SIGTERM and SIGHUP between two commits; a second signal, ``PATIENCE`` later, ends the process at once."""
    import anyio  # noqa: PLC0415

    begin = 0.0
    taken = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # nohup ignores SIGHUP
    try:
        with anyio.open_signal_receiver(*taken) as signals:
            async for number in signals:
                if not stopped:
                    begin = time.monotonic()
                elif time.monotonic() - begin > PATIENCE:
                    os._exit(INTERRUPTED)
                stopped.append(number)
                working.cancel()
    finally:
        if stopped:  # the process ends anyway
            for number in taken:
                signal.signal(number, signal.SIG_IGN)
