"""What the name of an output file says about its format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from logferry._errors import InvalidRequestError

COLUMNAR: Final = ("parquet", "arrow")
"""Columnar formats: such a file has a footer, so records cannot be appended to it."""

_FORMS: Final = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet", ".arrow": "arrow"}
_COMPRESSED: Final = (".gz", ".zst")
_PART: Final = re.compile(r"\.part([0-9]{1,9})\Z")


def is_compressed(path: Path) -> bool:
    """Return whether a file of this name is compressed as a whole, by gzip or zstd."""
    return path.suffix.lower() in _COMPRESSED


def form_of(path: Path) -> str | None:
    """
    Return the format that a name stands for; ``None`` for a name without suffix.

    Raises:
        InvalidRequestError: The suffix stands for no format, or for one that cannot be compressed as a whole.
    """
    suffix = (path.with_suffix("") if is_compressed(path) else path).suffix.lower()
    if suffix and suffix not in _FORMS:
        raise InvalidRequestError(
            f"{path}: no format has the suffix {suffix}",
            hint="End the name in .jsonl, .csv, .parquet or .arrow, or add --format",
        )
    form = _FORMS.get(suffix)
    refuse_compression(path, form)
    return form


def refuse_compression(path: Path, form: str | None) -> None:
    """
    Refuse to compress a columnar file as a whole.

    Raises:
        InvalidRequestError: The name asks for it.
    """
    if form in COLUMNAR and is_compressed(path):
        raise InvalidRequestError(
            f"{path}: {path.suffix} follows .jsonl and .csv only: readers of {form} read parts of a file",
            hint=f"End the name in .{form}",
        )


def name_of_rest(path: Path) -> Path:
    """Return a path beside a compressed file for the remaining records; its suffixes are the same, so that it is compressed too."""
    inner = Path(path.stem)
    return path.with_name(f"{inner.stem}.rest{inner.suffix}{path.suffix}")


def part_names(path: Path) -> Iterator[Path]:
    """
    Yield unused names for the parts of a file, beside it: ``logs.part1.parquet``, ``logs.part2.parquet`` and so on.

    For a part, numbers go on from its own.
    """
    found = _PART.search(path.stem)
    stem = path.stem if found is None else path.stem[: found.start()]
    for number in count(1 if found is None else int(found[1])):
        part = path.with_name(f"{stem}.part{number}{path.suffix}")
        if not part.exists():
            yield part
