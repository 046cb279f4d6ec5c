"""What surrounds the flow of an iteration, and what the caller's hooks learn of it."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from logferry._config.hooks import IssueEvent, PageEvent, RequestEvent, RetryEvent
from logferry._errors import LogferryError
from logferry._flow.layers import authorized, bounded, located, observed, retried
from logferry._flow.steps import Batch, Flow, Reply, Request
from logferry._http.rate_limiter import paced
from logferry._http.retry import lacks_json
from logferry._redaction import printable
from logferry._streams.runtime import Runtime, Stats


@frozen
class Pipeline:
    """
    The layers around the flow of an iteration, and the hooks that are called from them.

    Attributes:
        stream: The stream's name.
        runtime: What the streams of a client share.
        stats: What the iteration has done so far; retries and doubts are counted here.
    """

    stream: str
    runtime: Runtime
    stats: Stats

    def around(self, flow: Flow) -> Flow:
        """The flow within its layers."""
        runtime = self.runtime
        options = runtime.options
        flow = located(flow, request_id_header=runtime.request_id_header)
        flow = retried(
            authorized(flow, runtime.authorizer), options.retries, chance=runtime.chance, told=self.count_retry
        )
        if options.hooks.on_request is not None:
            # Before the wait for the account's turn: who watches knows what is waited for, and a hook that takes its time
            # does not crowd the requests behind it.
            flow = observed(flow, self._tell_request)
        flow = paced(flow, runtime.pace, options.rate, longest_retry_after=options.retries.longest_retry_after)
        return flow if options.deadline is None else bounded(flow, options.deadline)

    def request_id(self, batch: Batch) -> str | None:
        """What the service calls the request of a batch."""
        return printable(batch.reply.header(self.runtime.request_id_header) or "") or None

    def count_retry(self, attempt: int, delay: float, outcome: Reply[Any] | LogferryError) -> None:
        """
        Count and report a request that is sent again.

        Args:
            attempt: The number of the attempt that has failed, from 1.
            delay: Seconds until the next one.
            outcome: What came of it.
        """
        self.stats.retries += 1
        hook = self.runtime.options.hooks.on_retry
        if hook is None:
            return
        reason = f"HTTP {outcome.status}" if isinstance(outcome, Reply) else outcome.message
        if isinstance(outcome, Reply) and lacks_json(outcome):
            reason = f"{reason} without JSON"
        hook(RetryEvent(stream=self.stream, account=self.runtime.account, attempt=attempt, delay=delay, reason=reason))

    def tell_page(self, batch: Batch, *, items: int) -> None:
        """
        Report a page, and what is in doubt about it.

        Args:
            batch: The page's batch.
            items: How many of its items the caller gets.
        """
        if doubts := (*batch.issues, *batch.remarks):
            # It is not about the shape of an item, so it never raises, strict or not.
            self.tell_issues(doubts, None, delivered=True, is_doubt=True)
            self.stats.doubts += len(doubts)
        hook = self.runtime.options.hooks.on_page
        if hook is not None:
            hook(
                PageEvent(
                    stream=self.stream,
                    account=self.runtime.account,
                    items=items,
                    total=batch.total,
                    request_id=self.request_id(batch),
                    attempts=batch.reply.attempts,
                )
            )

    def tell_issues(self, issues: tuple[str, ...], item: Any, *, delivered: bool, is_doubt: bool = False) -> None:
        """
        Report issues.

        Args:
            issues: What is wrong, in words.
            item: The item that they are about; ``None`` where they are about none.
            delivered: Whether the caller gets the item.
            is_doubt: Whether they are about the page, not about an item.
        """
        hook = self.runtime.options.hooks.on_issue
        if hook is not None:
            hook(
                IssueEvent(
                    stream=self.stream,
                    account=self.runtime.account,
                    issues=issues,
                    item=item,
                    delivered=delivered,
                    is_doubt=is_doubt,
                )
            )

    def _tell_request(self, request: Request[Any]) -> None:
        hook = self.runtime.options.hooks.on_request
        if hook is not None:
            hook(
                RequestEvent(
                    stream=self.stream,
                    account=self.runtime.account,
                    method=request.method,
                    path=request.path,
                    params=request.params,
                )
            )
