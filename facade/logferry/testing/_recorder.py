"""What both adapters do around a fake: give it the time, count, keep and check requests, let them fail."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

import attrs

from logferry._http.defects import mark_defect
from logferry.testing._http import Fake, FakeRequest, FakeResponse

__all__ = ["Change", "Faults", "Movable", "Outcome", "Recorder"]

Change = Callable[[FakeResponse], FakeResponse]
"""What makes another answer of the fake's, such as `cut` and `html_page`."""

Outcome = FakeResponse | Exception | Change
"""What becomes of a request: another answer, an error that is raised to the client, or a change of the fake's answer."""

Faults = Callable[[FakeRequest, int], Outcome | None]
"""
What happens instead of the fake's answer, or to it, or nothing (`None`), by request and its number from 1.

Any function will do; `failing` and `first_of` make the usual ones, and a `Schedule` is one.
"""


class Movable(Protocol):
    """A clock that can be moved on, such as `VirtualClock`."""

    def now(self) -> int:
        """Return the time in nanoseconds since 1970-01-01 UTC."""
        ...

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class Recorder:
    """
    A fake with a clock, that remembers what it was asked. Threads may share it.

    Args:
        fake: Who answers.
        clock: Gives the time in nanoseconds since 1970-01-01 UTC: a function, or a `VirtualClock`, which moves on where
            an answer is late. Default: it stands still at the fake's epoch.
        faults: Asked before the fake, so that a test can let a request fail. An `Exception` it returns is raised;
            httpx's own, such as `httpx.ReadTimeout`, stand for what happens on the network.
        keep: How many requests `requests` holds, the latest ones.
        check: Whether requests are checked against the service's spec.

    Attributes:
        count: How many requests there have been.
        requests: The latest of them, oldest first.
        violations: What in the requests went against the spec, each message once.
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
        """Answer a request now."""
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
            mark_defect(error)  # otherwise an OSError, say, would be taken for the network's, and tried again
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
        """Let time pass, where the clock can be moved."""
        if self._advance is not None:
            self._advance(seconds)
