"""Mistakes in tests of users: each error names the mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import logferry
from logferry.testing import FakeRequest, FakeResponse, InProcessTransport, LogtoFake, connected


class _Broken:
    """A fake with a mistake of its own, on a page in the middle."""

    def __init__(self, error: Exception) -> None:
        self._fake: Any = LogtoFake(records=50)
        self._error = error
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fake, name)

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer, except for pages from the third one on."""
        self.asked += request.method == "GET"
        if self.asked > 2:
            raise self._error
        answered: FakeResponse = self._fake.answer(request, now)
        return answered


@pytest.mark.parametrize("error", [OSError("disk"), ConnectionError("x"), UnicodeError("y"), KeyError("z")])
def test_an_exception_of_a_fake_is_raised_unchanged(error: Exception, walk: Callable[[Any], Iterator[Any]]) -> None:
    """The exception is no network failure, so no request is retried."""
    fake: Any = _Broken(error)
    transport = InProcessTransport(fake, check=False)
    client = connected(logferry.Logto, fake, transport=transport, concurrency=1)
    got: list[Any] = []
    with pytest.raises(type(error)) as caught:
        got.extend(walk(client.audit_logs(page_size=10).raw()))
    assert caught.value is error
    assert (len(got), fake.asked) == (20, 3)


class _Unknown:
    streams = ("okta.logs",)


@pytest.mark.parametrize(("fake", "words"), [(_Unknown(), "okta.logs"), (object(), "not named")])
def test_a_fake_of_an_unknown_service_is_refused(fake: Any, words: str) -> None:
    """The error names the fake, its streams, and the known services."""
    with pytest.raises(TypeError, match=rf"is not a fake of a known service \(cognigy, .*{words}"):
        connected(logferry.Logto, fake)
