"""The common part of the suites: a schedule that is drawn from a seed, and its verdict."""

import random
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import attrs

from logferry._client import Client
from logferry._streams.definition import StreamDefinition
from logferry.testing._http import Fake
from logferry.testing._rows import Row

__all__ = ["BEGIN", "DAY", "SECOND", "MakeFake", "Seeded", "Verdict", "ever_listed", "seeded"]

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
BEGIN: Final = 1_767_225_600 * SECOND
"""The earliest history begins on the day after this moment, in nanoseconds since 1970-01-01 UTC."""


class MakeFake(Protocol):
    """
    Makes a fake with a scripted history, in a variant of the service drawn from *chance*.

    The fake is an instance of an attrs class; its field `rows` is its history, which trials replace.
    """

    def __call__(self, rows: tuple[Row, ...], *, epoch: int, chance: random.Random) -> Fake:
        """
        Make it.

        Args:
            rows: Its history.
            epoch: The default time of its clock.
            chance: Decides what the service's documentation leaves open, such as whether bounds are inclusive.
        """
        ...


@attrs.frozen
class Seeded:
    """
    A schedule of one stream, drawn from a seed.

    Args:
        client: The client's class.
        make_fake: Makes its fake; those of logferry have `of_rows`.
        stream: The stream's name.
        seed: Decides everything.
    """

    client: type[Client] = attrs.field(repr=lambda client: client.__name__)
    make_fake: MakeFake = attrs.field(repr=lambda make: getattr(make, "__qualname__", "..."))
    stream: str
    seed: int

    def chance(self, name: str) -> random.Random:
        """Return a reproducible source of random numbers; each name has its own."""
        return random.Random(f"{name} {self.stream} {self.seed}")  # noqa: S311 - the same on every run

    @property
    def definition(self) -> StreamDefinition[Any, Any, Any]:
        """The stream."""
        return next(one for one in self.client.streams if one.name == self.stream)

    def allowed_page_size(self, drawn: int) -> int:
        """Return the drawn page size, at most the service's largest."""
        return min(drawn, self.definition.largest_page_size or drawn)


@attrs.frozen(kw_only=True)
class Verdict:
    """
    The result of a schedule.

    Attributes:
        trial: The schedule.
    """

    trial: Seeded

    @property
    def _found(self) -> Mapping[str, object]:
        """The possible problems as texts, each with whether it occurred."""
        raise NotImplementedError

    @property
    def problems(self) -> list[str]:
        """The problems of the schedule; empty for success."""
        return [problem for problem, holds in self._found.items() if holds]

    def check(self) -> None:
        """
        Raise if the schedule has problems.

        Raises:
            AssertionError: It has; the message names the problems, and how to run the schedule again.
        """
        if self.problems:
            raise AssertionError(f"{self.trial.stream}: {'; '.join(self.problems)}; {self.trial}")


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Seed the module `random`, the source of the retries' jitter, and restore its state at the end."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def ever_listed(rows: Iterable[Row], there: Callable[[Row], bool]) -> tuple[Row, ...]:
    """Return the rows of a history in which those that are `there` never vanish and the others never appear."""
    never = 2 * BEGIN
    return tuple(attrs.evolve(row, vanishes=None, appears=row.appears if there(row) else never) for row in rows)
