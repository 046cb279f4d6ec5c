"""
Write docs/cli.md from the commands' --help, docs/attributes.md from the tables of attributes, and the names that shells complete.

With --check, only list the files that differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logferry._accounts.registry import SERVICES
from logferry.cli import main as logferry
from logferry.cli._completion import NAMES_FILE, names_of
from logferry.cli._shell import commands_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logferry._records.attributes import Attribute

ROOT = Path(__file__).resolve().parent.parent
INTRODUCTION = """\
# The shell command

`scripts/reference` writes this page from `--help`; to change it, change the command.

A csv cell that a spreadsheet could take for a formula begins with a single quote.
"""


ATTRIBUTES = """\
# The attributes of records

`scripts/reference` writes this page from the tables beside the normalizers (`facade/logferry/services/*/_attributes.py`);
`logferry streams NAME` prints the same.

Names follow OpenTelemetry's semantic conventions where these have one.  A name that ends in `*` stands for all names with that
prefix that have no row of their own.  A source is a path in the item as the service sends it; `*` is any field.  A record has
no attribute whose source the item lacks.  A DuckDB store has a view for each stream, with a column for each attribute.
"""


def main() -> int:
    """Write the files that differ; with --check, list them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file differs")
    check = parser.parse_args().check
    written = {
        ROOT / "docs/cli.md": reference(),
        ROOT / "docs/attributes.md": attributes(),
        ROOT / "facade/logferry/cli" / NAMES_FILE.name: names(),
    }
    stale = [path for path, text in written.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(path.relative_to(ROOT))
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(written[path], encoding="utf-8")
    if check and stale:
        print("These files differ from what the code gives: run scripts/reference.", file=sys.stderr)
    return 1 if check and stale else 0


def reference() -> str:
    """Return docs/cli.md: --help of the command and of each of its commands."""
    sections = [f"## {name}\n\n```\n{text}\n```\n" for name, text in helps()]
    return "\n".join((INTRODUCTION, *sections))


def attributes() -> str:
    """Return docs/attributes.md: a table for each stream."""
    sections = (
        f"## {stream.name}\n\n{stream.summary}\n\n{attribute_table(stream.attributes)}\n"
        for service in SERVICES
        for stream in service.streams
    )
    return "\n".join((ATTRIBUTES, *sections))


def attribute_table(rows: Iterable[Attribute]) -> str:
    """Return the attributes as a table in Markdown."""
    lines = ["| attribute | type | comes from | meaning |", "|---|---|---|---|"]
    for row in rows:
        source = ", ".join(f"`{field}`" for field in row.source.split(", "))
        meaning = row.meaning if row.optional else f"{row.meaning} In every record."
        lines.append(f"| `{row.name}` | {row.type} | {source} | {meaning} |")
    return "\n".join(lines)


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command line with its --help at 80 columns."""
    contexts: dict[str, click.Context] = {}
    for name, command in commands_of(logferry):
        above, _, word = name.rpartition(" ")
        # The parent of a command of the first level is `logferry`, whose name here is empty.
        contexts[name] = context_of(command, word or "logferry", contexts[above] if name else None)
        yield f"logferry {name}".strip(), command.get_help(contexts[name])


def context_of(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    """Return the context of a call that prints help on a terminal of 80 columns."""
    return command.make_context(name, [], parent, resilient_parsing=True, terminal_width=80, color=False)


def names() -> str:
    """Return the names that shells complete without importing a service, as JSON."""
    known = names_of(SERVICES, [stream for service in SERVICES for stream in service.streams])
    return json.dumps(known, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
