"""Threads and blocking iterators in the single thread of a trial, so that the seed decides the order of events."""

from collections.abc import AsyncIterator, Callable, Iterator

from logferry._records.record import LogRecord

__all__ = ["Blocking", "Launched"]


class Launched:
    """A request in flight that runs at one of two moments: when it is sent, or when its result is awaited."""

    def __init__(self, work: Callable[[], None], *, at_once: bool) -> None:
        self._work: Callable[[], None] | None = work
        if at_once:
            self.join()

    def join(self) -> None:
        """Run it, once."""
        work, self._work = self._work, None
        if work is not None:
            work()


class Blocking:
    """An asynchronous iterator over a blocking one, so that one test body serves both."""

    def __init__(self, iterator: Iterator[LogRecord]) -> None:
        self._iterator = iterator

    def __aiter__(self) -> AsyncIterator[LogRecord]:
        return self

    async def __anext__(self) -> LogRecord:
        for record in self._iterator:
            return record
        raise StopAsyncIteration
