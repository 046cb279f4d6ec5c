"""Items of a page that have one id: one of them is delivered, and a remark says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from logferry._json import is_object
from logferry._redaction import printable
from logferry._time.page_times import PageTimes
from logferry._time.window import Window


def to_deliver(
    items: Sequence[Any], ids: Sequence[str], times: PageTimes, new: Sequence[int], window: Window
) -> tuple[Sequence[int], tuple[str, ...]]:
    """
    Choose the items of a page that the caller gets.

    Args:
        items: The items of the page.
        ids: The id of each, or what stands for it, see ``keys_of``.
        times: The time of each; an item without a readable time is in every window.
        new: The indexes of those that have not been delivered, in order, each id once.
        window: Which items are wanted.

    Returns:
        The indexes of the new items in the window, each id once, in order; and a remark if an id came more than once.
    """
    whole = window.has_all(times)

    def is_wanted(index: int) -> bool:
        return whole or (time := times[index]) is None or window.has(time)

    if len(new) == len(ids) or len({*ids}) == len(ids):
        return new if whole else [index for index in new if is_wanted(index)], ()
    places: dict[str, list[int]] = {ids[index]: [] for index in new}
    for index, identity in enumerate(ids):
        if identity in places:
            places[identity].append(index)
    chosen, repeated = list[int](), list[tuple[str, list[Any]]]()
    for first in new:
        several = places[ids[first]]
        # Items with one id can differ in their time.
        wanted = [index for index in (first, *several) if is_wanted(index)]
        chosen += wanted[:1]
        if wanted and len(several) > 1:
            repeated.append((ids[first], [items[index] for index in several]))
    return sorted(chosen), _remark(repeated)


def _remark(repeated: Sequence[tuple[str, Sequence[Any]]]) -> tuple[str, ...]:
    """One remark for the ids that came more than once in a page, each with its items."""
    if not repeated:
        return ()
    (identity, items), others = repeated[0], len(repeated) - 1
    # A digest, which stands for an id that is missing or too long, says nothing.
    has_id = is_object(items[0]) and identity in items[0].values()
    name = f"id {printable(identity)}" if has_id else "an item without an id"
    times = "twice" if len(items) == 2 else f"{len(items)} times"  # noqa: PLR2004  # English has a word for it
    differ = any(item != same[0] for _, same in repeated for item in same)
    content = ", with different content" if differ else ""
    if not others:
        return (f"{name} came {times} in one page{content}; one is delivered",)
    more = "1 other id" if others == 1 else f"{others} other ids"
    return (f"{name} came {times} in one page, and {more} more than once{content}; one item of each is delivered",)
