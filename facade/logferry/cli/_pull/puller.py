"""Reads streams one after the other; one that fails does not stop the others, and prints how to resume it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, frozen

from logferry._errors import LogferryError, ServiceError
from logferry._redaction import printable
from logferry.cli._output.json_lines import harmless_json
from logferry.cli._output.output import NO_PLACE, Output
from logferry.cli._output.partial_file import PartialFile
from logferry.cli._output.suffixes import name_of_rest
from logferry.cli._shell import counted, talk, tell, tell_doubts, tell_error, tell_interrupted, tell_undecoded

if TYPE_CHECKING:
    from logferry._accounts.selection import Job
    from logferry._config.arguments import CallChanges
    from logferry._config.hooks import PageEvent, RequestEvent
    from logferry._records.record import LogRecord
    from logferry._streams.views import View
    from logferry.cli._interrupts import Interrupts
    from logferry.cli._progress import Progress


_KEPT_EVERY: Final = 1000
"""Records after which the output is flushed, so that a pull can be resumed there when the disk is full."""


@frozen
class Kept:
    """
    The part of a stream that has been flushed to the output.

    Attributes:
        records: How many records of the stream.
        size: Bytes of the file, or 0 for stdout.
        checkpoint: Resumes after these records.
    """

    records: int
    size: int
    checkpoint: str


@define
class StreamPull:
    """
    A stream that is being read.

    Attributes:
        job: Which stream of which account.
        view: Its records.
        resumed: Whether it goes on from a checkpoint.
        written: How many records have been written.
        kept: The part that has been flushed.
    """

    job: Job
    view: View[LogRecord]
    resumed: bool = False
    written: int = 0
    kept: Kept | None = None

    @property
    def has_begun(self) -> bool:
        """Whether there is a position at which another call can resume."""
        return self.resumed or self.view.stats.items > 0


@frozen(kw_only=True)
class Selection:
    """
    Which records are written, and the options that a resuming call repeats.

    Attributes:
        severity: The lowest severity number; 0 for all records.
        max_items: How many of each stream, or ``None`` for all.
        options: The other options, as words of a command line.
        query: Filters and window, which a call without a checkpoint repeats.
        appended_to: The file to which a call that resumes appends, or ``None`` for stdout.
    """

    severity: int
    max_items: int | None
    options: tuple[str, ...]
    query: tuple[str, ...]
    appended_to: PartialFile | None


class Puller:
    """
    Reads streams and writes their records.

    Args:
        selection: Which records to write.
        output: Writes them.
        interrupts: Delays Ctrl-C.
        progress: Shows the progress.
    """

    def __init__(self, selection: Selection, output: Output, interrupts: Interrupts, progress: Progress) -> None:
        self._selection = selection
        self._output = output
        self._interrupts = interrupts
        self._progress = progress
        self._appending = False

    @property
    def hooks(self) -> CallChanges:
        """The hooks of the clients whose streams are read."""
        return {**self._progress.hooks, "on_request": self._on_request, "on_page": self._on_page}

    def read(self, pulls: Sequence[StreamPull]) -> int:
        """
        Write the records of streams, one stream after the other.

        Returns:
            The exit code: 0, or the highest of the errors, which have been printed.

        Raises:
            KeyboardInterrupt: Ctrl-C, after printing how to resume.
            OSError: The output cannot be written.
        """
        code = 0
        failed: list[Job] = []
        for index, pull in enumerate(pulls):
            try:
                failure = self._read(pull)
            except KeyboardInterrupt:
                # A stream that was asked for, and had sent nothing yet, has no place to resume at either.
                has_begun = pull.has_begun or self._interrupts.forced
                if not self._interrupts.forced:
                    self._begin_output()
                self._tell_left([*failed, *(one.job for one in pulls[index + has_begun :])])
                raise
            except BrokenPipeError:
                raise
            except OSError:
                self._tell_kept(failed, pulls, index)
                raise
            code = max(code, failure)
            if failure == ServiceError.exit_code and not pull.has_begun:  # the same call can succeed later
                failed.append(pull.job)
        if failed:
            self._begin_output()
            self._tell_left(failed)
        return code

    def _begin_output(self) -> None:
        """Write what stands in front of the records: a call that gets the rest does not write it again."""
        self._output.begin()
        self._output.flush()

    def _read(self, pull: StreamPull) -> int:
        code = 0
        try:
            self._interrupts.waiting()
            with self._progress.of(pull.job.label, lambda: pull.written):
                self._copy(pull)
        except LogferryError as error:
            tell_error(error)
            self._tell_rest(pull)
            code = error.exit_code
        except KeyboardInterrupt:
            if self._interrupts.forced:
                tell_interrupted("stopped while writing: the last line can be incomplete, so it cannot be resumed")
            else:
                tell_interrupted("interrupted")
                self._tell_rest(pull)
            raise
        finally:
            tell_doubts(pull.job.label, self._progress.doubts)
            tell_undecoded(pull.job.label, pull.view.stats.issues)
        return code

    def _copy(self, pull: StreamPull) -> None:
        self._keep(pull)
        try:
            for record in pull.view:
                if record.severity_number >= self._selection.severity:
                    self._output.write(record)
                    pull.written += 1
                    if pull.written == self._selection.max_items:
                        break
                    if pull.written % _KEPT_EVERY == 0:
                        self._keep(pull)
                self._interrupts.check()
        finally:
            self._output.flush()

    def _keep(self, pull: StreamPull) -> None:
        self._output.flush()
        file = self._selection.appended_to
        pull.kept = Kept(pull.written, 0 if file is None else file.size(), pull.view.checkpoint)

    def _on_request(self, event: RequestEvent) -> None:
        # All records of the last page have been written: flush them, so that their reader need not wait for the next page.
        self._output.flush()
        self._interrupts.waiting()
        self._progress.on_request(event)

    def _on_page(self, event: PageEvent) -> None:
        self._interrupts.working()
        self._progress.on_page(event)

    def _tell_rest(self, pull: StreamPull) -> None:
        """Print that the result is partial, and how to get the rest, unless nothing was received."""
        if not pull.has_begun:
            return
        # Also where no record came, or where the next stream's records follow first.
        self._begin_output()
        self._tell_place(pull.job, pull.written, pull.view.checkpoint)

    def _tell_place(self, job: Job, written: int, checkpoint: str) -> None:
        selection = self._selection
        left = None if selection.max_items is None else selection.max_items - written
        line = self._line([*self._command([job], left), "--resume", harmless_json(checkpoint)])
        tell("", f"partial result: {counted(written, 'record')} of {job.label} written")
        tell("", f"resume with: {line}")

    def _tell_kept(self, failed: Sequence[Job], pulls: Sequence[StreamPull], index: int) -> None:
        """Say what an output has that takes no more, and how to get the rest, what failed before included."""
        pull = pulls[index]
        kept = pull.kept
        total = sum(one.written for one in pulls[:index]) + (kept.records if kept else 0)
        if kept is None or not total:
            return
        if self._selection.appended_to is not None and self._selection.appended_to.needs_end:
            tell("", NO_PLACE)
            return
        if self._selection.appended_to is None:
            tell("", f"the output has {counted(total, 'record')}; delete the data after them, which can be incomplete")
        else:
            self._selection.appended_to.keep(kept.size)
        if kept.records:
            self._tell_place(pull.job, kept.records, kept.checkpoint)
        self._tell_left([*failed, *(one.job for one in pulls[index + bool(kept.records) :])])

    def _tell_left(self, jobs: Sequence[Job]) -> None:
        """Print which streams have not begun, and how to get them from the same window: an age would give another one."""
        if jobs:
            line = self._line([*self._command(jobs, self._selection.max_items), *self._selection.query])
            tell("", f"not begun: {', '.join(job.label for job in jobs)}")
            tell("", f"get it with: {printable(line)}")

    def _line(self, command: Sequence[str]) -> str:
        """Return the command line of a call whose records belong to the output of this one."""
        file, line = self._selection.appended_to, shlex.join(command)
        if file is None:
            return line
        line += _behind(file)
        if self._appending and file.appendable:
            # The command before has renamed the file: without this, the next one would create it again.
            partial, final = (shlex.quote(str(path)) for path in (file.partial, file.path))
            line = f"{{ test -e {partial} || mv {final} {partial}; }} && {line}"
        self._appending = True
        return line

    def _command(self, jobs: Sequence[Job], max_items: int | None) -> list[str]:
        """Return the command that pulls these streams with the same options."""
        command = ["logferry", "pull", *dict.fromkeys(job.stream.name for job in jobs)]
        config = talk().config
        if config is not None:
            command += ["--config", str(config)]
        for name in dict.fromkeys(job.account.name for job in jobs if job.has_named_account):
            command += ["--account", name]
        command += self._selection.options
        if max_items is not None:
            command += ["--max-items", str(max_items)]
        return command


def _behind(file: PartialFile) -> str:
    """Return the end of a resuming command, which appends its records to the file, or writes them to the next part."""
    if not file.appendable:
        return f" --output {shlex.quote(str(file.next_part()))}"
    rest = name_of_rest(file.path)
    partial, final, more = (shlex.quote(str(path)) for path in (file.partial, file.path, rest))
    if file.is_compressed:
        return f" --output {more} && cat {more} >> {partial} && rm {more} && mv {partial} {final}"
    return f" >> {partial} && mv {partial} {final}"
