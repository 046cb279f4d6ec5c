"""What somebody who misspelt a name may have meant."""

from collections.abc import Sequence


def suggestion(name: str, known: Sequence[str]) -> str:
    """A hint: the nearest of the names, if any is near, and all of them."""
    from difflib import get_close_matches  # noqa: PLC0415  # only mistakes need it

    nearest = get_close_matches(name, known, n=1)
    meant = f"Did you mean {nearest[0]}? " if nearest else ""
    return f"{meant}Known: {', '.join(known)}"
