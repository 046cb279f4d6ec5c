"""Walks forward from a cursor end, and say when they are led astray."""

from __future__ import annotations

from typing import Any

import pytest

from logferry import PagingError
from logferry._flow.layers import resume
from logferry._flow.steps import Batch
from logferry.extend import CursorPage, Position, Response, SubFlow, forward_walk, get, known_times


def page(keys: str, cursor: Position | None) -> CursorPage:
    """Return a page of items with these letters as keys."""
    answer: Response[Any] = Response(
        request=get("/"), url="https://acme.example/", status=200, headers=[], content=b"[]", received_unix_nano=0
    )
    return CursorPage(
        response=answer, items=[*keys], keys=[*keys], times=known_times([1] * len(keys)), cursor=cursor, size=3
    )


def walked(pages: dict[Any, CursorPage], position: Position | None = None) -> tuple[str, list[Position]]:
    """Walk through pages by cursor; return the items and the positions behind each batch."""

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        return pages[cursor]
        yield  # the protocol wants a generator

    flow, items, positions = forward_walk(ask, position), "", list[Position]()
    while isinstance(step := resume(flow, None), Batch):
        items += "".join(step.items)
        positions.append(step.position(len(step.items)))
    return items, positions


def test_it_ends_at_a_page_without_items_and_goes_on_behind_it() -> None:
    """The cursor of the empty page is where the next walk begins; ``None`` stays where it is."""
    items, positions = walked({None: page("abc", 1), 1: page("", 2)})
    assert items == "abc"
    assert walked({2: page("d", None)}, positions[-1])[0] == "d"
    items, positions = walked({2: page("", None)}, positions[-1])
    assert walked({2: page("e", None)}, positions[-1])[0] == "e"


def test_items_that_come_again_are_left_out() -> None:
    """Also the same cursor for ever, as some services give it, is no endless walk."""
    items, positions = walked({None: page("abc", 1), 1: page("bcd", 2), 2: page("", 2)})
    assert items == "abcd"
    assert walked({2: page("", 2)}, positions[-1])[0] == ""


def test_a_cursor_that_leads_back_is_an_error() -> None:
    """After the items that came before it."""
    with pytest.raises(PagingError, match="has been read before"):
        walked({None: page("abc", 1), 1: page("def", 1)})
