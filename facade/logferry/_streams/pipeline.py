"""What surrounds the flow of an iteration, and what the caller's hooks learn of it."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from logferry._config.hooks import IssueEvent, PageEvent, RequestEvent, RetryEvent
from logferry._errors import LogferryError
from logferry._flow.layers import authorized, bounded, paced, retried
from logferry._flow.steps import Batch, Flow
from logferry._http.messages import Request, Response
from logferry._http.retry import lacks_json
from logferry._streams.plan import Runtime, Stats


@frozen
class Pipeline:
    """The layers around the flow of an iteration, and the hooks that are called from them; counts retries and doubts in *stats*."""

    stream: str
    runtime: Runtime
    stats: Stats

    def around(self, flow: Flow) -> Flow:
        """The flow within its layers."""
        runtime = self.runtime
        options = runtime.options
        flow = authorized(flow, runtime.authorizer)
        flow = retried(flow, options.retries, chance=runtime.chance, on_retry=self.count_retry)
        flow = paced(
            flow,
            runtime.rate_limiter,
            options.rate,
            longest_retry_after=options.retries.longest_retry_after,
            on_request=None if options.on_request is None else self._report_request,
        )
        return flow if options.deadline is None else bounded(flow, options.deadline)

    def count_retry(self, attempt: int, delay: float, outcome: Response[Any] | LogferryError) -> None:
        """Count and report a request that is sent again: the failed attempt, from 1, seconds until the next, and its outcome."""
        self.stats.retries += 1
        hook = self.runtime.options.on_retry
        if hook is None:
            return
        reason = f"HTTP {outcome.status}" if isinstance(outcome, Response) else outcome.message
        if isinstance(outcome, Response) and lacks_json(outcome):
            reason = f"{reason} without JSON"
        hook(RetryEvent(stream=self.stream, account=self.runtime.account, attempt=attempt, delay=delay, reason=reason))

    def report_page(self, batch: Batch, *, items: int) -> None:
        """Report a page with the number of items that the caller gets, and the doubts about it."""
        if doubts := (*batch.issues, *batch.remarks):
            # It is not about the shape of an item, so it never raises, strict or not.
            self.report_issues(doubts, None, delivered=True, is_doubt=True)
            self.stats.doubts += len(doubts)
        hook = self.runtime.options.on_page
        if hook is not None:
            hook(
                PageEvent(
                    stream=self.stream,
                    account=self.runtime.account,
                    items=items,
                    total=batch.total,
                    request_id=batch.response.request_id,
                    attempts=batch.response.attempts,
                )
            )

    def report_issues(self, issues: tuple[str, ...], item: Any, *, delivered: bool, is_doubt: bool = False) -> None:
        """Report issues about an item, or where *item* is ``None``, about the page."""
        hook = self.runtime.options.on_issue
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

    def _report_request(self, request: Request[Any]) -> None:
        hook = self.runtime.options.on_request
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
