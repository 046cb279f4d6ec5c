"""
Fail where a spec breaks since the last release and CHANGELOG.md does not say so.

specs/<service>/released.json is the spec of the last release.  Each breaking change needs a line under "Unreleased" that names
the service and, in backticks, what changed: the parameter, the property, or the operation's path.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from logferry.specs import Change, diff, load

ROOT = Path(__file__).resolve().parent.parent
RELEASED = "released.json"


def main() -> int:
    """Compare the specs with those of the last release, or make them those of this release."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--release", action="store_true", help="the specs are released: they are what is compared with from now on"
    )
    parser.add_argument("--specs", type=Path, default=ROOT / "specs", help="the folder of the specs")
    parser.add_argument("--changelog", type=Path, default=ROOT / "CHANGELOG.md", help="the file with the changes")
    arguments = parser.parse_args()
    if arguments.release:
        for spec in sorted(arguments.specs.glob("*/openapi.yaml")):
            text = json.dumps(load(spec), ensure_ascii=False, separators=(",", ":"))
            spec.with_name(RELEASED).write_text(text + "\n", encoding="utf-8")
        return 0
    lines = unreleased(arguments.changelog.read_text(encoding="utf-8"))
    missing = list(unsaid(arguments.specs, lines))
    for one in missing:
        print(one)
    if missing:
        print("A breaking change of a spec needs a line in CHANGELOG.md; --help says how.", file=sys.stderr)
    return 1 if missing else 0


def unreleased(changelog: str) -> list[str]:
    """Return the entries of the section of what is not released, each in one line."""
    section = changelog.partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    return [re.sub(r"\s+", " ", entry) for entry in re.split(r"\n(?=- )", section)]


def unsaid(specs: Path, entries: Sequence[str]) -> Iterator[str]:
    """Yield the breaking changes that no entry names."""
    for released in sorted(specs.glob(f"*/{RELEASED}")):
        service = released.parent.name
        spec = released.with_name("openapi.yaml")
        if not spec.exists():
            yield f"{service}: the spec went away"
            continue
        for change in diff(load(released), load(spec), service=service).breaking:
            wanted = names(change)
            if not any(service in entry.lower() and any(f"`{name}`" in entry for name in wanted) for entry in entries):
                yield f"{service}: {change.where}: {change.what}. CHANGELOG.md does not name {' or '.join(f'`{one}`' for one in wanted)}"


def names(change: Change) -> list[str]:
    """Return what an entry can call the change: the operation, or the last name of the place."""
    if not change.place:
        return [change.operation, change.operation.partition(" ")[2]]
    return [re.split(r"[ .]", change.place.replace("[]", ""))[-1]]


if __name__ == "__main__":
    sys.exit(main())
