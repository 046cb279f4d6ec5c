"""The base of a fake with one stream, whose items are made of their number, their time and their content."""

import random
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Self

import attrs
import orjson

from logferry._time.timestamps import MILLISECOND, SECOND
from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import SpecChecker
from logferry.testing._rows import Row, as_rows

__all__ = ["Listed", "StreamFake"]

_MINUTE = 60 * SECOND


@attrs.frozen(order=True)
class Listed:
    """
    What an item is made of.

    Attributes:
        time: When it happened, in nanoseconds since 1970-01-01 UTC, as exactly as the service says it.
        number: Its number in the history, from 0; it decides its id.
        arrived: When the service began to list it, in nanoseconds since 1970-01-01 UTC.
        content: Decides its other fields.
    """

    time: int
    number: int
    arrived: int
    content: int


@attrs.frozen(kw_only=True)
class StreamFake:
    """
    The base of a fake with one stream: it has a history of one item a minute, or that of *rows*, and knows the truth of it.

    A fake is a subclass, ``attrs.frozen(kw_only=True)``, that answers requests and makes items.

    Args:
        records: Number of items at *epoch*.
        epoch: When the newest of them happened, in nanoseconds since 1970-01-01 UTC.
        growing: Whether items keep arriving.
        rows: A script of the items instead.
        settings: The settings of an account of it, all except its address; a subclass has a default.
    """

    stream: ClassVar[str]
    """The stream's name."""
    package: ClassVar[str]
    """The generated client, whose spec requests are checked against, such as ``"acorn_logs.generated"``."""
    id_name: ClassVar[str] = "id"
    """The field with the id of an item."""
    resolution: ClassVar[int] = MILLISECOND
    """How exactly the service says when an item happened, in nanoseconds."""

    records: int = 250
    epoch: int = 1_767_225_600 * SECOND
    growing: bool = True
    rows: Sequence[Row] | None = attrs.field(default=None, converter=as_rows, repr=False)
    settings: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)

    @abstractmethod
    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request at the moment *now*, in nanoseconds since 1970-01-01 UTC."""

    @abstractmethod
    def item(self, listed: Listed) -> Mapping[str, Any]:
        """Return an item as the service sends it."""

    def matches(self, item: Mapping[str, Any], **filters: Any) -> bool:  # noqa: ARG002  # fakes know their filters
        """Whether an item matches the stream's filters, by their names in Python; without filters, every one does."""
        return not filters

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: random.Random) -> Self:  # noqa: ARG003  # for variants
        """Make one with a scripted history; a fake with variants draws one from *chance*."""
        return cls(rows=rows, epoch=epoch)

    @property
    def streams(self) -> tuple[str, ...]:
        """The name of the stream."""
        return (self.stream,)

    def listed(self, now: int) -> list[Listed]:
        """Return what the service lists at a moment, oldest first."""
        if self.rows is not None:
            return sorted(
                Listed(
                    row.time // self.resolution * self.resolution,
                    number,
                    row.time if row.appears is None else row.appears,
                    row.content,
                )
                for number, row in enumerate(self.rows)
                if row.is_visible(now)
            )
        count = self.records + (max(0, now - self.epoch) // _MINUTE if self.growing else 0)
        times = (self.epoch + (number + 1 - self.records) * _MINUTE for number in range(count))
        return [Listed(time, number, time, number) for number, time in enumerate(times)]

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what violates the spec in a request."""
        return _checker(self.package).violations(request)

    def truth(
        self,
        stream: str = "",  # noqa: ARG002  # there is one
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *_: Any,
        **filters: Any,
    ) -> Sequence[str]:
        """Return the ids of the items in the window ``[since, until)``, oldest first; see `Fake.truth`."""
        listed = self.listed(self.epoch if now is None else now)
        within = (one for one in listed if (since is None or one.time >= since) and (until is None or one.time < until))
        return [str(item[self.id_name]) for item in map(self.item, within) if self.matches(item, **filters)]

    def identity(self, stream: str, item: Any) -> str:  # noqa: ARG002  # there is one
        """Return the id of an item."""
        return str(item[self.id_name])

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:  # noqa: ARG002  # there is one
        """Return the filters of the one query that finds all items: none."""
        return ({},)


@cache
def _checker(package: str) -> SpecChecker:
    return SpecChecker(orjson.loads((files(package) / "openapi.json").read_bytes()))
