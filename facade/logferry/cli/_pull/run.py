"""Runs a pull."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from logferry._accounts.selection import Job
from logferry._errors import ConfigurationError, InvalidRequestError
from logferry._http.options import Timeouts
from logferry._time.timestamps import moment, rfc3339
from logferry.cli._interrupts import Interrupts
from logferry.cli._options import asked_jobs, tell_left_out
from logferry.cli._output.formats import output_to
from logferry.cli._output.output import NO_PLACE, Output
from logferry.cli._output.partial_file import PartialFile
from logferry.cli._output.stdout import output_errors
from logferry.cli._output.suffixes import COLUMNAR, form_of, refuse_compression
from logferry.cli._progress import Progress
from logferry.cli._pull.puller import Puller, Selection, StreamPull
from logferry.cli._shell import talk, tell, tell_error
from logferry.cli._standard import require_stdout

if TYPE_CHECKING:
    from logferry._client import Client
    from logferry._config.arguments import StreamOptions

FORMATS: Final = ("jsonl", "csv", "table", *COLUMNAR)
"""The formats of records."""

DEFAULT_SINCE: Final = "24h"
"""Default begin of a window: an age."""


@frozen(kw_only=True)
class Pull:
    """
    A pull, with the options of its command line.

    Attributes:
        streams: Names of streams; empty for all that can be requested.
        accounts: Names of accounts; empty for all.
        since: Beginning of the window, as typed.
        until: End of the window, as typed.
        max_items: How many records of each stream, or ``None`` for all.
        page_size: Items per page, or ``None`` for the stream's default.
        concurrency: Requests of a stream that may be in flight, or ``None`` for the default.
        timeout: Timeout of one request in seconds, or ``None`` for the default.
        filters: Values by the filter's name in Python or on the wire.
        lowest: The lowest severity number; 0 for all records.
        output: The file, or ``None`` for stdout.
        force: Replace existing files.
        form: One of ``FORMATS``, or ``None`` for the format of the output's name, else table on a terminal, jsonl otherwise.
        header: Whether csv begins with a header.
        raw: Add the items as received.
        strict: Fail at the first item that does not decode.
        resume: A checkpoint, or ``None`` for the start.
    """

    streams: tuple[str, ...]
    accounts: tuple[str, ...]
    since: str | None
    until: str | None
    max_items: int | None
    page_size: int | None
    concurrency: int | None
    timeout: float | None
    filters: Mapping[str, str]
    lowest: int
    output: Path | None
    force: bool
    form: str | None
    header: bool
    raw: bool
    strict: bool
    resume: str | None

    def run(self) -> int:
        """
        Write the records.

        Returns:
            The exit code: 0, or the highest of the errors, which have been printed.

        Raises:
            LogferryError: The command line cannot be right, and nothing has been written; or the output cannot be written.
            KeyboardInterrupt: Ctrl-C, after printing how to resume.
        """
        if self.output is None:
            require_stdout()
        jobs, left_out = asked_jobs(self.streams, self.accounts, self.filters)
        self._refuse_contradictions(jobs)
        interrupts = Interrupts()
        watched = sys.stderr.isatty()
        progress = Progress(living=watched and not self._shown, alone=watched and self._shown, verbose=talk().verbose)
        with output_errors(), ExitStack() as stack:
            stack.enter_context(interrupts.watched())
            file = None if self.output is None else stack.enter_context(self._file(self.output))
            target = sys.stdout.buffer if file is None else file.target
            output = output_to(
                target, self._format, jobs, raw=self.raw, header=self.header, streamed=self.output is None
            )
            stack.callback(_end, output, file)  # also after an error, so that the file can be read
            puller = Puller(self._selection(file), output, interrupts, progress)
            pulls, code = self._opened(jobs, puller, stack)
            tell_left_out(left_out)
            code = max(code, puller.read(pulls))
            interrupts.working()
            if code == 0:
                output.begin()
                _end(output, file)
                output.flush()
                if self._shown and not any(pull.written for pull in pulls):
                    tell("", "no matching records in the window; --since sets an earlier begin")
                if file is not None:
                    file.complete()
        return code

    @property
    def _shown(self) -> bool:
        """Whether the records go to a terminal."""
        return self.output is None and sys.stdout.isatty()

    @property
    def _format(self) -> str:
        named = None if self.form or self.output is None else form_of(self.output)
        return self.form or named or ("table" if self._shown else "jsonl")

    def _file(self, path: Path) -> PartialFile:
        return PartialFile(path, force=self.force, appendable=self._format not in COLUMNAR)

    def _refuse_contradictions(self, jobs: Sequence[Job]) -> None:
        if self.resume is not None and len(jobs) != 1:
            raise InvalidRequestError(
                "--resume goes with one stream of one account", hint="Use the line that the interrupted pull printed"
            )
        form = self._format
        if self.raw and form == "table":
            raise InvalidRequestError("--raw does not go with a table", hint="Add --format jsonl")
        if self.output is not None:
            refuse_compression(self.output, form)
        elif form == "parquet":
            raise InvalidRequestError(
                "parquet needs a file, since it is read from its end", hint="Add --output logs.parquet"
            )
        elif form == "arrow" and self._shown:
            raise InvalidRequestError(
                "arrow is not for a terminal",
                hint="Add --output logs.arrow, or pipe it to a reader of Arrow streams",
            )
        if not self.header and form != "csv":
            raise InvalidRequestError("--no-header goes with csv only", hint="Add --format csv, or leave it out")

    def _selection(self, file: PartialFile | None) -> Selection:
        repeated = {
            "raw": self.raw,
            "strict": self.strict,
            # The output of the printed command can be another one than that of this call.
            "format": self.form if self._shown else self._format,
            "no-header": self._format == "csv",
            "page-size": self.page_size,
            "concurrency": self.concurrency,
            "timeout": None if self.timeout is None else f"{self.timeout:g}s",
            "severity": self.lowest,
        }
        return Selection(
            severity=self.lowest,
            max_items=self.max_items,
            options=_as_typed(repeated),
            query=self._query,
            appended_to=file,
        )

    @property
    def _query(self) -> tuple[str, ...]:
        """Filters and window for a call that begins later: ages become moments, since an age gives another window then."""
        now = time.time_ns()
        bounds = {"since": self._since, "until": self.until}
        moments = {name: moment(text, now=now, name=name) for name, text in bounds.items() if text is not None}
        filters = tuple(word for name, value in self.filters.items() for word in ("--filter", f"{name}={value}"))
        return (*_as_typed({name: rfc3339(nano) for name, nano in moments.items()}), *filters)

    @property
    def _since(self) -> str | None:
        return DEFAULT_SINCE if self.since is None and self.resume is None else self.since

    def _opened(self, jobs: Sequence[Job], puller: Puller, stack: ExitStack) -> tuple[list[StreamPull], int]:
        """
        Open all streams before the first is read, so that a wrong command line writes nothing.

        Returns:
            The streams of the accounts that could be opened, and the exit code so far; the errors of the others have been printed.
        """
        options: StreamOptions = {
            "since": self._since,
            "until": self.until,
            "page_size": self.page_size,
            "resume": self.resume,
            "strict": self.strict,
        }
        calls = puller.hooks
        if self.concurrency is not None:
            calls["concurrency"] = self.concurrency
        if self.timeout is not None:
            calls["timeout"] = Timeouts(whole=self.timeout)
        clients: dict[str, Client | None] = {}
        pulls: list[StreamPull] = []
        code = 0
        for job in jobs:
            name = job.account.name
            if name not in clients:
                try:
                    clients[name] = stack.enter_context(job.account.open(**calls))
                except ConfigurationError as error:
                    tell_error(error)
                    clients[name], code = None, error.exit_code
            client = clients[name]
            if client is not None:
                stream = client.stream(job.stream.name, filters=self.filters, **options)
                pulls.append(StreamPull(job, stream.records(), resumed=self.resume is not None))
        return pulls, code


def _end(output: Output, file: PartialFile | None) -> None:
    """Write the footer of an output, once; after it a file that needs a footer can be read."""
    try:
        is_whole = output.end()
    except (OSError, KeyboardInterrupt):
        if file is not None and not file.appendable:
            tell("", NO_PLACE)
        raise
    if file is not None and not file.appendable:
        file.readable = is_whole


def _as_typed(options: Mapping[str, str | int | None]) -> tuple[str, ...]:
    """Return options as words of a command line, without those that are not set."""
    words: list[str] = []
    for name, value in options.items():
        if value:
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return tuple(words)
