"""
Finds the page of a row, counted from the newest log, for releases before 1.40, which ignore time bounds.

A page has a number and a size, so it begins at a multiple of its size.
"""

from __future__ import annotations

from typing import Final

LARGEST_PAGE: Final = 100
"""The server's limit (measured on 1.36.0 and 1.42.0)."""


def page_from(first: int, wanted: int, row: int) -> tuple[int, int]:
    """
    The smallest page that has the wanted rows, or as many of them as a page can have.

    Args:
        first: A row that the page must have, counted from 0.
        wanted: Number of rows that it should have from *row* on.
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
