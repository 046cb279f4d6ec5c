"""
Which page has a row, where rows are counted from the newest log: releases before 1.40 ignore bounds of time.

A page is asked for by its number and its size, so it begins at a multiple of its size.
"""

from __future__ import annotations

from typing import Final

LARGEST_PAGE: Final = 100
"""The server's limit (measured on 1.36.0 and 1.42.0)."""


def page_from(first: int, wanted: int, row: int) -> tuple[int, int]:
    """
    The smallest page that has the rows that are asked for, or as many of them as a page can have.

    Args:
        first: A row that it has to have, counted from 0.
        wanted: How many rows it should have from *row* on.
        row: The next row that has not been read.

    Returns:
        The number of the page, counted from 0, and its size.
    """
    sizes = range(1, LARGEST_PAGE + 1)
    size = max(sizes, key=lambda size: (min(first // size * size + size - row, wanted), -size))
    return first // size, size


def is_crowded(first: int, row: int) -> bool:
    """Whether no page has all rows from *first* to *row*."""
    number, size = page_from(first, 1, row)
    return (number + 1) * size <= row
