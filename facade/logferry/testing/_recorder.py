"""The common part of both adapters: the clock, the record and check of requests, and the faults."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

import attrs

from logferry._http.defects import mark_defect
from logferry.testing._http import Fake, FakeRequest, FakeResponse

__all__ = ["Change", "Faults", "Movable", "Outcome", "Recorder"]

Change = Callable[[FakeResponse], FakeResponse]
"""Changes the fake's response, such as `cut` and `html_page`."""

Outcome = FakeResponse | Exception | Change
"""The outcome of a request: another response, an error that the client raises, or a change of the fake's response."""

Faults = Callable[[FakeRequest, int], Outcome | None]
"""
Return the outcome of a request, by the request and its number from 1; `None` for the fake's response.

Any such function works; `failing` and `first_of` make the usual ones, and a `Schedule` is one.
"""


class Movable(Protocol):
    """A clock that can be advanced, such as `VirtualClock`."""

    def now(self) -> int:
        """Return the time in nanoseconds since 1970-01-01 UTC."""
        ...

    def advance(self, seconds: float) -> None:
        """Advance the clock by `seconds`."""
        ...


class Recorder:
    """
    A fake with a clock and a record of its requests. Threads may share it.

    Args:
        fake: The fake that responds.
        clock: Returns the time in nanoseconds since 1970-01-01 UTC: a function, or a `VirtualClock`, which a late
            response advances.  Default: it stands still at the fake's epoch.
        faults: Called before the fake, to make a request fail.  An `Exception` it returns is raised; httpx's own, such
            as `httpx.ReadTimeout`, stand for failures of the network.
        keep: Maximum length of `requests`; the latest are kept.
        check: Whether to check requests against the service's spec.

    Attributes:
        count: Number of requests so far.
        requests: The latest requests, oldest first.
        violations: Violations of the spec in the requests, each message once.
    """

    def __init__(
        self,
        fake: Fake,
        *,
        clock: Callable[[], int] | Movable | None = None,
        faults: Faults | None = None,
        keep: int = 1000,
        check: bool = True,
    ) -> None:
        self.count: int = 0
        self.requests: deque[FakeRequest] = deque(maxlen=keep)
        self.violations: list[str] = []
        self._fake = fake
        self._clock = clock if clock is None or callable(clock) else clock.now
        self._advance = None if clock is None or callable(clock) else clock.advance
        self._previous: dict[str, FakeResponse] = {}
        self._faults = faults
        self._check = check
        self._lock = threading.Lock()

    def answer(self, request: FakeRequest) -> FakeResponse:
        """Respond to a request now."""
        found = self._fake.violations(request) if self._check else ()
        with self._lock:
            self.count += 1
            number = self.count
            self.requests.append(request)
            self.violations += [message for message in found if message not in self.violations]
        fault = self._faults(request, number) if self._faults else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, FakeResponse):
            return fault
        try:
            answer = self._fake.answer(request, self._clock() if self._clock else self._fake.epoch)
        except Exception as error:
            mark_defect(error)  # otherwise an OSError would count as the network's, and be retried
            raise
        if self._faults is None:
            return answer
        with self._lock:
            previous = self._previous.get(request.path)
            if fault is None:
                self._previous[request.path] = answer
        if fault is None:
            return answer
        return attrs.evolve(fault(attrs.evolve(answer, previous=previous)), previous=None)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock, if it can be advanced."""
        if self._advance is not None:
            self._advance(seconds)
