"""What the tests of several requests in flight observe: how many there are, and which threads serve them."""

from __future__ import annotations

import threading

import httpx


class Counting(httpx.BaseTransport):
    """Counts the requests in flight."""

    def __init__(self, answers: httpx.BaseTransport) -> None:
        self.answers = answers
        self.most = self._now = 0
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count the request and answer it."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            response = self.answers.handle_request(request)
            threading.Event().wait(0.001)  # lets other requests arrive meanwhile
            return response
        finally:
            with self._lock:
                self._now -= 1


def threads() -> list[str]:
    """Return the threads that still serve requests."""
    return [thread.name for thread in threading.enumerate() if thread.name == "logferry request"]
