"""List every fact of the specs that the documentation pages lack or contradict: its element, its text, and its source."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent


class Evidence(NamedTuple):
    """One fact and its source."""

    pointer: str
    """The element that the fact is about, as a JSON pointer into the spec."""
    fact: str
    source: str


def evidence(node: Any, pointer: str = "") -> Iterator[Evidence]:
    """Yield the facts of a spec, in its order."""
    if isinstance(node, list):
        for index, child in enumerate(cast("Sequence[Any]", node)):
            yield from evidence(child, f"{pointer}/{index}")
    if isinstance(node, dict):
        for key, child in cast("dict[str, Any]", node).items():
            if key == "x-evidence":
                yield from (Evidence(pointer, entry["fact"], entry["source"]) for entry in child)
            else:
                yield from evidence(child, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")


def main() -> None:
    """Print the facts of all specs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=Path, default=ROOT / "specs", help="the folder of the specs")
    lines = [
        f"{spec.parent.name} {found.pointer}\n    {found.fact}\n    Source: {found.source}\n"
        for spec in sorted(parser.parse_args().specs.glob("*/openapi.yaml"))
        for found in evidence(yaml.safe_load(spec.read_text(encoding="utf-8")))
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
