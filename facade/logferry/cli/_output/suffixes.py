"""What the name of an output says of its content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from logferry._errors import InvalidRequestError

COLUMNAR: Final = ("parquet", "arrow")
"""Formats of columns: such a file has an end of its own, so nothing can be appended to it."""

_FORMS: Final = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet", ".arrow": "arrow"}
_COMPRESSED: Final = (".gz", ".zst")
_PART: Final = re.compile(r"\.part([0-9]{1,9})\Z")


def is_compressed(path: Path) -> bool:
    """Whether a file of this name is compressed as a whole, by gzip or zstd."""
    return path.suffix.lower() in _COMPRESSED


def form_of(path: Path) -> str | None:
    """
    The format that a name asks for; ``None`` for a name without suffix.

    Raises:
        InvalidRequestError: No format belongs to the suffix, or the format is not compressed as a whole.
    """
    suffix = (path.with_suffix("") if is_compressed(path) else path).suffix.lower()
    if suffix and suffix not in _FORMS:
        raise InvalidRequestError(
            f"{path}: there is no format for names in {suffix}",
            hint="End the name in .jsonl, .csv, .parquet or .arrow, or add --format",
        )
    form = _FORMS.get(suffix)
    refuse_compression(path, form)
    return form


def refuse_compression(path: Path, form: str | None) -> None:
    """
    Make sure that a file of columns is not compressed as a whole.

    Raises:
        InvalidRequestError: It would be.
    """
    if form in COLUMNAR and is_compressed(path):
        raise InvalidRequestError(
            f"{path}: {path.suffix} goes behind .jsonl and .csv only, since who reads {form} reads parts of a file",
            hint=f"End the name in .{form}",
        )


def name_of_rest(path: Path) -> Path:
    """Beside a compressed file: one of the same suffixes for what follows, since appending has to compress, too."""
    inner = Path(path.stem)
    return path.with_name(f"{inner.stem}.rest{inner.suffix}{path.suffix}")


def part_names(path: Path) -> Iterator[Path]:
    """
    Names for the parts of a file, beside it, that no file has: ``logs.part1.parquet``, ``logs.part2.parquet`` and so on.

    Those of a part are its own name, and what follows.
    """
    found = _PART.search(path.stem)
    stem = path.stem if found is None else path.stem[: found.start()]
    for number in count(1 if found is None else int(found[1])):
        part = path.with_name(f"{stem}.part{number}{path.suffix}")
        if not part.exists():
            yield part
