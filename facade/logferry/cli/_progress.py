"""The progress of a pull on stderr: one line that is updated on a terminal, or a line per request with --verbose."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from logferry._redaction import printable, public_url
from logferry.cli._output.stdout import terminal_console
from logferry.cli._shell import counted, tell

if TYPE_CHECKING:
    from logferry._config.arguments import CallChanges
    from logferry._config.hooks import IssueEvent, PageEvent, RequestEvent, RetryEvent


class Progress:
    """
    Shows the progress of the stream that is being read.

    Args:
        living: Update a line on the terminal.
        alone: The line is not shown, since records go to the same terminal; print retries only.
        verbose: Print a line for each request, retry and issue.
    """

    def __init__(self, *, living: bool, alone: bool, verbose: bool) -> None:
        self._alone = alone
        self._living = living and not verbose
        self._verbose = verbose
        self._name = ""
        self._begin = 0.0
        self._written: Callable[[], int] = int
        self._pages = self._retries = 0
        self._waits = ""
        self._doubts: dict[str, None] = {}

    @contextmanager
    def of(self, name: str, written: Callable[[], int]) -> Generator[None]:
        """
        Show the progress of a stream in this block, and its result unless it fails.

        Args:
            name: The stream's name.
            written: How many of its records have been written.
        """
        self._name, self._written, self._begin, self._waits = name, written, time.monotonic(), ""
        self._pages = self._retries = 0
        self._doubts = {}
        if not self._living:
            yield
            if self._verbose:
                tell("", self.line())
            return
        from rich.live import Live  # noqa: PLC0415  # slow to import, and a pipe does not need it
        from rich.spinner import Spinner  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        spinner = Spinner("dots")

        def moving() -> Spinner:
            spinner.update(text=Text(printable(self.line()), no_wrap=True, overflow="ellipsis"))
            return spinner

        with Live(
            get_renderable=moving,
            console=terminal_console(sys.stderr),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield
        tell("", self.line())

    @property
    def hooks(self) -> CallChanges:
        """The hooks of a client."""
        return {
            "on_request": self.on_request,
            "on_retry": self.on_retry,
            "on_page": self.on_page,
            "on_issue": self.on_issue,
        }

    @property
    def doubts(self) -> Collection[str]:
        """The reasons why the result of the stream is in doubt, each once."""
        return self._doubts

    def line(self) -> str:
        """Return the progress as one line."""
        seconds = max(time.monotonic() - self._begin, 0.001)
        records = self._written()
        facts = [
            counted(records, "record"),
            counted(self._pages, "page"),
            f"{records / seconds:,.0f}/s" if records else "",
            counted(self._retries, "retry", "retries") if self._retries else "",
            self._waits,
        ]
        return f"{self._name}: {', '.join(filter(None, facts))}"

    def on_request(self, event: RequestEvent) -> None:
        """A request is about to be sent."""
        self._waits = ""
        if self._verbose:
            query = f"?{urlencode(event.params)}" if event.params else ""
            tell("", f"{event.account}: {event.method} {public_url(event.path + query)}")

    def on_retry(self, event: RetryEvent) -> None:
        """A request has failed and will be sent again."""
        self._retries += 1
        self._waits = f"waiting {event.delay:.1f} s after: {event.reason}"
        if self._verbose or self._alone:
            tell("", f"{event.account}: attempt {event.attempt} failed ({event.reason}), next in {event.delay:.1f} s")

    def on_page(self, event: PageEvent) -> None:
        """A page has arrived."""
        self._pages += 1
        self._waits = ""
        if self._verbose:
            known = "" if event.total is None else f" of {event.total:,} in all"
            tell("", f"{event.account}: {counted(event.items, 'item')}{known}, request id {event.request_id}")

    def on_issue(self, event: IssueEvent) -> None:
        """Something in an item did not decode, or the result is in doubt."""
        if event.is_doubt:
            self._doubts.update(dict.fromkeys(event.issues))
        if self._verbose:
            tell("", f"{event.account}: {event.stream}: {'; '.join(event.issues)}")
