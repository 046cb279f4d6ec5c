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
    The number, counted from 0, and the size of the smallest page that has the row *first* and the wanted rows.

    It should have as many as *wanted* from *row*, the next one that has not been read, or as many as a page can have.
    """
    sizes = range(1, LARGEST_PAGE + 1)
    size = max(sizes, key=lambda size: (min(first // size * size + size - row, wanted), -size))
    return first // size, size


def is_crowded(first: int, row: int) -> bool:
    """Whether no page has all rows from *first* to *row*."""
    number, size = page_from(first, 1, row)
    return (number + 1) * size <= row
