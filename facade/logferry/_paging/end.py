"""
Whether a page is believed or requested again.  Which page is the last, the walk says.

An answer that ends a walk (it is empty, it is short, it names no next page) can be wrong: a replica that is behind, a query that
timed out.  It is believed where something else in it agrees: the service's count, the bound of the window, a page that is short
by its own rule.  Otherwise it is requested once more.  What still disagrees with the count is an issue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from attrs import define, field, frozen

from logferry._flow.steps import SubFlow

P = TypeVar("P")

_CONFIRMED: Final = 3
"""After this many short pages in a row that came again as they were, the service is taken to send short pages."""


@frozen(kw_only=True)
class Evidence:
    """
    How many items a page should have, and why.

    Attributes:
        items: How many it has.
        size: How many the request asked for.
        goes_on: Whether the walk goes on behind it, or ends because it has passed the bound of the window.
        met: How many items of the query came before it.
        total: How many the service counts for the query; ``None`` where it does not say.
        names_next: Whether the service says whether there is a page behind it; else a short page can be the last one.
        fails: Whether the walk ends in an error behind it, which is not doubted.
    """

    items: int
    size: int
    goes_on: bool
    met: int = 0
    total: int | None = None
    names_next: bool = True
    fails: bool = False


def agrees(page: Evidence, *, full: int | None = None, follows_short: bool = False) -> bool:
    """
    Whether something else says that a page has what it should have.

    *full* is how many items a full page has, where the service has shown a limit of its own.  After a short page
    (*follows_short*), an empty one is the end.
    """
    if page.total is not None and page.met + page.items >= page.total:
        return True
    if page.goes_on:
        return page.items >= min(page.size, full or page.size)
    if page.total is not None:
        return False
    return 0 < page.items < page.size or (page.items == 0 and follows_short)


def shortage(page: Evidence) -> tuple[str, ...]:
    """The issue of a page that lacks items, also after it was requested again."""
    if agrees(page):
        return ()
    due = page.size if page.total is None else max(0, min(page.size, page.total - page.met))
    return (f"a page has {page.items} items where the service counts {due}; some may be missing",)


def disagreement(came: int, total: int | None) -> tuple[str, ...]:
    """
    The issue of a walk that has ended.

    Args:
        came: How many items came.
        total: How many the service counted, at the least; ``None`` where it does not say.
    """
    if total is None or came >= total:
        return ()
    return (f"the service counts {total} items and has sent {came}; some may be missing",)


@define
class Doubts:
    """
    What one walk knows of the service's pages, so that it requests a page again only where that can help.

    Attributes:
        looks_twice: See ``Window``.
    """

    looks_twice: bool = True
    _full: int = field(default=0, init=False)
    _confirmed: int = field(default=0, init=False)
    _follows_short: bool = field(default=False, init=False)

    def are_raised_by(self, page: Evidence) -> bool:
        """Whether a page is to be requested once more."""
        is_settled = self._confirmed >= _CONFIRMED if page.goes_on else page.total is None and not self.looks_twice
        if page.fails or is_settled:
            return False
        return not agrees(page, full=self._full, follows_short=self._follows_short)

    def settle(self, first: Evidence, again: Evidence) -> bool:
        """Whether a second answer is better than the first: it has more items, or goes on where the first one ended."""
        better = (again.items, again.goes_on) > (first.items, first.goes_on)
        self._confirmed = 0 if better else self._confirmed + 1
        return better

    def passed(self, page: Evidence) -> None:
        """The walk goes on behind a page."""
        self._follows_short = not page.names_next and 0 < page.items < min(page.size, self._full or page.size)
        if page.items < page.size:
            self._full = max(self._full, page.items)
        elif page.size > self._full:
            self._full = 0  # what looked like a limit of the service is none


def believed(ask: Callable[[], SubFlow[P]], evidence: Callable[[P], Evidence], doubts: Doubts) -> SubFlow[P]:
    """
    A page, requested once more where nothing agrees with what it has; the better one of the two.

    Args:
        ask: Asks for the page.
        evidence: Returns how many items a page should have.
        doubts: Those of the walk.
    """
    page = yield from ask()
    known = evidence(page)
    if doubts.are_raised_by(known):
        again = yield from ask()
        if doubts.settle(known, other := evidence(again)):
            page, known = again, other
    doubts.passed(known)
    return page
