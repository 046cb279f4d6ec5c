"""``logferry streams``: lists streams, their filters and guarantees."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click
import orjson
from attrs import asdict

from logferry._accounts.accounts import Account, configuration_file, find_accounts
from logferry._accounts.registry import all_services, all_streams
from logferry._accounts.selection import how_to_have, require_streams
from logferry.cli._options import streams_argument, tell_failed_packages
from logferry.cli._output.stdout import echo, output_errors, terminal_console
from logferry.cli._shell import shell_options, talk

if TYPE_CHECKING:
    from pathlib import Path

    from logferry._accounts.registry import Service
    from logferry._streams.definition import StreamDefinition

_EPILOG: Final = """
\b
Examples:
  logferry streams
  logferry streams logto.audit_logs
  logferry streams --format jsonl | jq -r .stream
"""


@click.command(epilog=_EPILOG)
@streams_argument
@click.option(
    "--format", "form", type=click.Choice(("jsonl", "table")), help="Default: table on a terminal, jsonl otherwise."
)
@shell_options
def streams(streams: tuple[str, ...], form: str | None) -> None:
    """
    List the streams, and the guarantee of a pull of each.

    Nothing is sent. A stream without an account shows how to set one. With names of streams, the attributes of their
    records are listed too.
    """
    require_streams(streams)
    config = talk().config
    accounts = find_accounts(config)
    rows = [
        _facts(service, definition, accounts) | (_attributes(definition) if streams else {})
        for service, definition in all_streams()
        if not streams or definition.name in streams
    ]
    tell_failed_packages()
    if (form or ("table" if sys.stdout.isatty() else "jsonl")) == "table":
        found = configuration_file(config)
        with output_errors():
            _print_table(rows, None if found is None else found[0])
    else:
        for row in rows:
            echo(orjson.dumps(row))


def _facts(
    service: Service, definition: StreamDefinition[Any, Any, Any], accounts: Sequence[Account]
) -> dict[str, Any]:
    facts = {
        "stream": definition.name,
        "summary": definition.summary,
        "accounts": [account.name for account in accounts if account.service == service],
        "variables": list(service.variables),
        "optional_variables": list(service.optional_variables),
        "authentication": service.client.authentication,
        "filters": [
            {"name": one.name, "wire_name": one.wire_name, "summary": one.summary} for one in definition.filter_list
        ],
        "needs_one_of": list(definition.needs_one_of) or None,
        "paging": definition.paging,
        "page_size": definition.page_size,
        "largest_page_size": definition.largest_page_size,
        "order": definition.order,
        "time_filter": definition.time_filter,
        "guarantee": definition.promise,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _attributes(definition: StreamDefinition[Any, Any, Any]) -> dict[str, Any]:
    return {"attributes": [asdict(one) for one in definition.attributes]}


def _needed(service: Service, names: Sequence[str], file: Path | None) -> str:
    """Return the filters of which one is needed, and the settings that are their defaults."""
    standing = [name for name in names if name in service.all_settings]
    if file is None:
        return " or ".join((*names, *(f"{service.name}_{name}".upper() for name in standing)))
    return " or ".join((*names, *(f"{name} of the account" for name in standing)))


def _print_table(rows: list[dict[str, Any]], file: Path | None) -> None:
    from rich.padding import Padding  # noqa: PLC0415  # only needed here, and slow to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    services = {service.name: service for service in all_services()}
    console = terminal_console(sys.stdout)
    for number, row in enumerate(rows):
        if number:
            console.print()
        heading = Table.grid(padding=(0, 2, 0, 0))
        heading.add_column(style="bold", no_wrap=True)
        heading.add_row(Text(row["stream"]), Text(row["summary"]))
        console.print(heading)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")  # a path can be longer than a line
        limit = row.get("largest_page_size")
        paging = row["paging"] + (f", at most {limit} a page" if limit else "")
        service = services[row["stream"].partition(".")[0]]
        for name, value in (
            ("account", ", ".join(row["accounts"]) or f"none: {how_to_have(service, file)}"),
            ("authentication", row["authentication"]),
            *(
                ("" if index else "filters", f"{one['name']}: {one['summary']}")
                for index, one in enumerate(row["filters"])
            ),
            *((("needs", _needed(service, row["needs_one_of"], file)),) if "needs_one_of" in row else ()),
            ("paging", paging),
            ("order", row["order"]),
            ("time filter", row["time_filter"]),
            ("guarantee", row["guarantee"]),
        ):
            table.add_row(Text(f"  {name}"), Text(value))
        console.print(table)
        if "attributes" in row:
            console.print(Text("\n  attributes", "dim"))
        for one in row.get("attributes", ()):
            presence = "" if one["optional"] else ", in every record"
            console.print(Text.assemble("  ", (one["name"], "bold"), f"  {one['type']}{presence}"))
            console.print(Padding(Text(f"{one['meaning']} ({one['source']})"), (0, 0, 0, 4)))
