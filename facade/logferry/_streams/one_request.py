"""One request outside of any stream, with the credentials, retries, pace and errors that streams have."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from logferry._errors import LogferryError, ShortTraceback
from logferry._flow.drivers import aadvance, advance
from logferry._flow.steps import Batch, Flow, exchange
from logferry._http.in_flight import InFlight
from logferry._http.messages import Request, Response, Send
from logferry._http.responses import ReadRefusal, decoded, wrong_shape
from logferry._streams.pipeline import Pipeline
from logferry._streams.plan import Runtime, Stats

R = TypeVar("R")


def send(request: Request[R], runtime: Runtime, read_refusal: ReadRefusal) -> R:
    """The parsed response, blocking the thread."""
    with ShortTraceback(), _flow(request, runtime, read_refusal) as (flow, in_flight):
        value: R = _value(advance(flow, in_flight, runtime.clock))
        return value


async def asend(request: Request[R], runtime: Runtime, read_refusal: ReadRefusal) -> R:
    """The parsed response, blocking only the task."""
    with ShortTraceback(), _flow(request, runtime, read_refusal) as (flow, in_flight):
        value: R = _value(await aadvance(flow, in_flight, runtime.clock))
        return value


@contextmanager
def _flow(request: Request[Any], runtime: Runtime, read_refusal: ReadRefusal) -> Generator[tuple[Flow, InFlight]]:
    """The flow of a request within its layers, and what is in flight for it; errors get the account."""

    def exchanged() -> Flow:
        response: Response[Any] = yield from exchange(Send(request))
        value = _parsed(response, decoded(response, read_refusal))
        yield Batch(items=[value], position=lambda _delivered: None, response=response)

    flow, in_flight = Pipeline("", runtime, Stats()).around(exchanged()), InFlight(runtime.sender)
    try:
        yield flow, in_flight
    except LogferryError as error:
        error.service, error.account = runtime.service, runtime.account
        error.hint = error.hint and runtime.worded(error.hint)
        raise
    finally:
        flow.close()
        in_flight.abandon()


def _parsed(response: Response[Any], body: object) -> Any:
    parse: Callable[[Any], Any] = response.request.parse
    try:
        return parse(body)
    except (LookupError, TypeError, ValueError, AttributeError):
        # Not chained: the error can show the body.
        raise wrong_shape(response, "what the operation documents") from None


def _value(batch: Batch | None) -> Any:
    if batch is None:
        raise AssertionError("the flow has ended without a response")
    return batch.items[0]
