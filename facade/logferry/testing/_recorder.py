"""What both adapters do around a fake: give it the time, count, keep and check requests, let them fail."""

import threading
from collections import deque
from collections.abc import Callable

from logferry.testing._http import Fake, FakeRequest, FakeResponse

__all__ = ["Faults", "Recorder"]

Faults = Callable[[FakeRequest, int], FakeResponse | Exception | None]
"""
What happens instead of the fake's answer: an answer, an error, or nothing (`None`), by request and its number from 1.

Any function will do; `failing` and `first_of` make the usual ones.  An `Exception` is raised to the client.
"""


class Recorder:
    """
    A fake with a clock, that remembers what it was asked. Threads may share it.

    Args:
        fake: Who answers.
        clock: Gives the time in nanoseconds since 1970-01-01 UTC. Default: it stands still at the fake's epoch.
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
        clock: Callable[[], int] | None = None,
        faults: Faults | None = None,
        keep: int = 1000,
        check: bool = True,
    ) -> None:
        self.count = 0
        self.requests: deque[FakeRequest] = deque(maxlen=keep)
        self.violations: list[str] = []
        self._fake = fake
        self._clock = clock
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
        return fault or self._fake.answer(request, self._clock() if self._clock else self._fake.epoch)
