"""A service that does not know some parameters, as older releases do not know newer ones, and ignores them."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import attrs

from logferry.testing._http import Fake, FakeRequest, FakeResponse

__all__ = ["Ignoring"]


@attrs.frozen
class Ignoring:
    """
    A fake that answers as if some query parameters had not been sent.

    Attributes:
        fake: Who answers.
        names: Names of the parameters on the wire; those of a list may be written with brackets behind them.
    """

    fake: Fake
    names: frozenset[str]

    @property
    def epoch(self) -> int:
        """That of the fake."""
        return self.fake.epoch

    @property
    def settings(self) -> Mapping[str, str]:
        """Those of the fake."""
        return self.fake.settings

    @property
    def streams(self) -> tuple[str, ...]:
        """Those of the fake."""
        return self.fake.streams

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer a request without those parameters."""
        sent = parse_qsl(request.query, keep_blank_values=True)
        left = [(name, value) for name, value in sent if name.removesuffix("[]") not in self.names]
        if len(left) == len(sent):
            return self.fake.answer(request, now)
        target = f"{request.path}?{urlencode(left)}" if left else request.path
        return self.fake.answer(attrs.evolve(request, target=target), now)

    def violations(self, request: FakeRequest) -> list[str]:
        """What in the request goes against the spec, which has those parameters."""
        return self.fake.violations(request)

    def truth(self, stream: str, *args: Any, **kwargs: Any) -> Sequence[str]:
        """The identities of what the service has to give where filters count."""
        return self.fake.truth(stream, *args, **kwargs)

    def identity(self, stream: str, item: Any) -> str:
        """The identity of an item."""
        return self.fake.identity(stream, item)

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Those of the fake."""
        return self.fake.questions(stream)
