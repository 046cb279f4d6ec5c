"""What the suites share: a schedule that its seed decides, and the verdict on what came of it."""

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
    Makes a fake with a scripted history, in a variant of the service that *chance* decides.

    The fake is an instance of an attrs class with a field `rows`, from which it answers: trials evolve it.
    """

    def __call__(self, rows: tuple[Row, ...], *, epoch: int, chance: random.Random) -> Fake:
        """
        Make it.

        Args:
            rows: Its history.
            epoch: Where its clock stands by default, in nanoseconds since 1970-01-01 UTC.
            chance: Decides what the service's documentation leaves open, such as whether bounds are inclusive.
        """
        ...


@attrs.frozen
class Seeded:
    """
    A schedule of one stream that its seed decides.

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
        """Return a source of random numbers, which are the same on every run; sources of other names have others."""
        return random.Random(f"{name} {self.stream} {self.seed}")  # noqa: S311 - the same on every run

    @property
    def definition(self) -> StreamDefinition[Any, Any, Any]:
        """The stream."""
        return next(one for one in self.client.streams if one.name == self.stream)

    def allowed_page_size(self, drawn: int) -> int:
        """Return the page size that was drawn, or the service's largest one where that is smaller."""
        return min(drawn, self.definition.largest_page_size or drawn)


@attrs.frozen(kw_only=True)
class Verdict:
    """
    What came of a schedule.

    Attributes:
        trial: The schedule.
    """

    trial: Seeded

    @property
    def _found(self) -> Mapping[str, object]:
        """What can break the promise, as texts, and whether it does."""
        raise NotImplementedError

    @property
    def problems(self) -> list[str]:
        """What breaks the promise; empty for a schedule that was passed."""
        return [problem for problem, holds in self._found.items() if holds]

    def check(self) -> None:
        """
        Do nothing if the schedule was passed.

        Raises:
            AssertionError: It was not; the message says what is wrong, and how to run it again.
        """
        if self.problems:
            raise AssertionError(f"{self.trial.stream}: {'; '.join(self.problems)}; {self.trial}")


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Seed the module `random`, from which retries take their jitter, and restore its state at the end."""
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
