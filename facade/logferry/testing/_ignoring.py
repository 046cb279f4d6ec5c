"""A service that ignores unknown parameters, as an older release ignores newer ones."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import attrs

from logferry.testing._http import Fake, FakeRequest, FakeResponse

__all__ = ["Ignoring"]


@attrs.frozen
class Ignoring:
    """
    A fake that responds as if some query parameters had not been sent.

    Attributes:
        fake: The fake that responds.
        names: Names of the parameters on the wire; those of a list may have brackets after them.
    """

    fake: Fake
    names: frozenset[str]

    @property
    def epoch(self) -> int:
        """The epoch of the fake."""
        return self.fake.epoch

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the fake."""
        return self.fake.settings

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams of the fake."""
        return self.fake.streams

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request without those parameters."""
        sent = parse_qsl(request.query, keep_blank_values=True)
        left = [(name, value) for name, value in sent if name.removesuffix("[]") not in self.names]
        if len(left) == len(sent):
            return self.fake.answer(request, now)
        target = f"{request.path}?{urlencode(left)}" if left else request.path
        return self.fake.answer(attrs.evolve(request, target=target), now)

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what violates the spec in the request; the spec knows those parameters."""
        return self.fake.violations(request)

    def truth(self, stream: str, *args: Any, **kwargs: Any) -> Sequence[str]:
        """The identities of the items that the service must return with working filters."""
        return self.fake.truth(stream, *args, **kwargs)

    def identity(self, stream: str, item: Any) -> str:
        """The identity of an item."""
        return self.fake.identity(stream, item)

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """The queries of the fake."""
        return self.fake.questions(stream)
