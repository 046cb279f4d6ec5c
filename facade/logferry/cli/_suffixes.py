"""What the name of an output says of its content."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from logferry._errors import InvalidRequestError

_FORMS: Final = {".jsonl": "jsonl", ".csv": "csv"}
_COMPRESSED: Final = ".gz"


def is_compressed(path: Path) -> bool:
    """Whether a file of this name is compressed by gzip."""
    return path.suffix.lower() == _COMPRESSED


def form_of(path: Path) -> str | None:
    """
    The format that a name asks for; ``None`` for a name without suffix.

    Raises:
        InvalidRequestError: No format belongs to the suffix.
    """
    suffix = (path.with_suffix("") if is_compressed(path) else path).suffix.lower()
    if suffix and suffix not in _FORMS:
        raise InvalidRequestError(
            f"{path}: there is no format for names in {suffix}",
            hint="End the name in .jsonl or .csv, with .gz behind it to compress, or add --format",
        )
    return _FORMS.get(suffix)


def name_of_rest(path: Path) -> Path:
    """Beside a compressed file: one of the same suffixes for what follows, since appending has to compress, too."""
    inner = Path(path.stem)
    return path.with_name(f"{inner.stem}.rest{inner.suffix}{path.suffix}")
