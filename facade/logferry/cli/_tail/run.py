"""Runs a tail."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from attrs import define, frozen

from logferry._accounts.selection import Job
from logferry._errors import ExportError, InvalidRequestError, LogferryError
from logferry._http.options import Timeouts
from logferry.cli._interrupts import Interrupts
from logferry.cli._options import asked_jobs, tell_left_out
from logferry.cli._output.formats import output_to
from logferry.cli._output.output import Output
from logferry.cli._output.stdout import output_errors
from logferry.cli._progress import Progress
from logferry.cli._shell import counted, talk, tell, tell_doubts, tell_error, tell_interrupted
from logferry.cli._standard import require_stdout
from logferry.cli._tail.state_file import Checkpoints, keep_state, opened_state, write_state

if TYPE_CHECKING:
    from logferry._config.arguments import CallChanges
    from logferry._config.hooks import FailureEvent, IssueEvent
    from logferry._ferry.follow import Arrival, FerryFollow

FORMATS: Final = ("jsonl", "table")
"""The formats that can be written record by record."""


@frozen(kw_only=True)
class Tail:
    """
    A tail, with the options of its command line.

    Attributes:
        streams: Names of streams; empty for all that can be requested.
        accounts: Names of accounts; empty for all.
        since: Begin, as typed; ``None`` for now.
        page_size: Items per page, or ``None`` for the stream's default.
        timeout: Timeout of one request in seconds, or ``None`` for the default.
        filters: Values by the filter's name in Python or on the wire.
        lowest: The lowest severity number; 0 for all records.
        form: One of ``FORMATS``, or ``None`` for table on a terminal, jsonl otherwise.
        raw: Add the items as received.
        state: The state file, or ``None``.
    """

    streams: tuple[str, ...]
    accounts: tuple[str, ...]
    since: str | None
    page_size: int | None
    timeout: float | None
    filters: Mapping[str, str]
    lowest: int
    form: str | None
    raw: bool
    state: Path | None

    def run(self) -> int:
        """
        Write records as they come.

        Returns:
            The exit code once no stream can be followed any more: the highest of the errors, which have been printed.

        Raises:
            LogferryError: The command line cannot be right, or the output cannot be written.
            KeyboardInterrupt: Ctrl-C, after printing how to resume.
        """
        from logferry._ferry.ferry import open_accounts  # noqa: PLC0415  # brings along HTTP, which completion does not need

        require_stdout()
        jobs, left_out = asked_jobs(self.streams, self.accounts, self.filters)
        form = self.form or ("table" if sys.stdout.isatty() else "jsonl")
        if self.raw and form == "table":
            raise InvalidRequestError("--raw goes with jsonl only", hint="Add --format jsonl")
        # This command prints the failures that the library would log.
        logging.getLogger("logferry").addHandler(logging.NullHandler())
        troubles, interrupts = _Troubles(jobs), Interrupts()
        progress = Progress(living=False, alone=False, verbose=talk().verbose)
        calls: CallChanges = {**progress.hooks, "on_issue": troubles.tell_issue}
        if self.timeout is not None:
            calls["timeout"] = Timeouts(whole=self.timeout)
        output = output_to(sys.stdout.buffer, form, jobs, raw=self.raw, dated=False)
        with (
            opened_state(self.state) as resumed,
            output_errors(),
            interrupts.watched(),
            open_accounts(talk().config, **calls) as ferry,
        ):
            follow = ferry.follow(
                accounts=self.accounts,
                streams=self.streams,
                filters=self.filters,
                since=self.since,
                page_size=self.page_size,
                resume=resumed,
                on_failure=troubles.tell,
            )
            tell_left_out(left_out)
            for error in follow.unopened:
                tell_error(error)
            copying = _Copying(follow, output, interrupts, self.lowest, self.state, resumed)
            try:
                copying.run()
            except KeyboardInterrupt:
                self._tell_rest(copying, interrupts)
                raise
            except ExceptionGroup as group:
                return max(error.exit_code if isinstance(error, LogferryError) else 1 for error in group.exceptions)
            finally:
                copying.save()
        return 0

    def _tell_rest(self, copying: _Copying, interrupts: Interrupts) -> None:
        """Print how to resume."""
        if interrupts.forced:
            tell_interrupted(
                "stopped while writing: the last line can be incomplete; its record comes again after resuming"
            )
        else:
            tell_interrupted("interrupted")
        try:
            path = copying.save() or keep_state(copying.follow.checkpoints)
        except ExportError as error:
            tell_error(error)
            tell("", "it cannot be resumed; --state PATH names a file for the checkpoints")
            return
        tell("", f"resume with: {shlex.join([*self._command(), '--state', str(path)])}")

    def _command(self) -> list[str]:
        """Return the command as typed, without the options that the state file replaces."""
        command = ["logferry", "tail", *self.streams]
        config = talk().config
        if config is not None:
            command += ["--config", str(config)]
        for account in self.accounts:
            command += ["--account", account]
        for name, value in self.filters.items():
            command += ["--filter", f"{name}={value}"]
        options = {
            "page-size": self.page_size,
            "timeout": None if self.timeout is None else f"{self.timeout:g}s",
            "severity": self.lowest,
            "format": self.form,
        }
        for option, given in options.items():
            command += [f"--{option}", str(given)] if given else []
        return [*command, "--raw"] if self.raw else command


@define
class _Copying:
    """
    Writes records as they come.

    Attributes:
        follow: The new records.
        output: Writes them.
        interrupts: Delays Ctrl-C.
        lowest: The lowest severity number.
        state: The state file, or ``None``.
        resumed: The checkpoints at the start; those of streams that are not followed stay in the file.
    """

    follow: FerryFollow
    output: Output
    interrupts: Interrupts
    lowest: int
    state: Path | None
    resumed: Checkpoints
    _unsaved: bool = True

    def run(self) -> None:
        """
        Write until no stream can be followed any more.

        Raises:
            ExceptionGroup: The failures of all streams.
            KeyboardInterrupt: Ctrl-C; all written records count as delivered.
        """
        self.save()
        with closing(self.follow.arrivals()) as arrivals:
            while True:
                self.interrupts.waiting()
                due = next(arrivals, None)
                self.interrupts.working()
                if due is None:
                    return
                self._write(due)
                self.save()

    def save(self) -> Path | None:
        """Write the checkpoints to the state file, if one is named, and return its path."""
        if self.state is not None and self._unsaved:
            self._unsaved = False
            reached = self.follow.checkpoints
            others = {name: {**own, **reached.get(name, {})} for name, own in self.resumed.items()}
            write_state(self.state, {**reached, **others})
        return self.state

    def _write(self, due: Sequence[Arrival]) -> None:
        for arrival in due:
            if arrival.record.severity_number >= self.lowest:
                self.output.write(arrival.record)
                self.output.flush()
            arrival.deliver()
            self._unsaved = True
            self.interrupts.check()


class _Troubles:
    """Prints failures of streams and doubts about their results, on the thread on which they occur."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._context = click.get_current_context()
        self._labels = {(job.account.name, job.stream.name): job.label for job in jobs}

    def tell(self, event: FailureEvent) -> None:
        """Print a failure in a line or two."""
        with self._context.scope(cleanup=False):
            if isinstance(event.error, LogferryError):
                tell_error(event.error, passing=event.delay is not None)
            else:
                tell("Error", f"unexpected {type(event.error).__name__}. This is a bug; --debug shows where")
            label = self._label(event)
            if event.delay is None:
                tell("", f"{label} is no longer followed")
            else:
                tell("", f"{label} is tried again in {counted(round(event.delay), 'second')}")

    def tell_issue(self, event: IssueEvent) -> None:
        """Print why a result is in doubt, at once, since a tail has no end; with ``--verbose`` also what did not decode."""
        with self._context.scope(cleanup=False):
            if event.is_doubt:
                tell_doubts(self._label(event), event.issues)
            elif talk().verbose:
                tell("", f"{event.account}: {event.stream}: {'; '.join(event.issues)}")

    def _label(self, event: FailureEvent | IssueEvent) -> str:
        return self._labels[event.account, event.stream]
