"""
``logferry completion``: shell completion.

Completion runs at each key press.  So streams and filters of the built-in services come from a file that scripts/reference
writes, and neither services nor HTTP are imported, except for the services of other packages.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

from logferry._records.severities import SEVERITIES
from logferry.cli._output.stdout import echo
from logferry.cli._shell import shell_options, talk_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from logferry._accounts.registry import Service
    from logferry._streams.definition import StreamDefinition

NAMES_FILE: Final = Path(__file__).with_name("completions.json")
"""Services with the environment variables of an account, and streams with their filters."""

_PROGRAM: Final = "logferry"

_EPILOG: Final = """
\b
Examples:
  logferry completion bash
  echo 'eval "$(logferry completion bash)"' >> ~/.bashrc
  echo 'eval "$(logferry completion zsh)"' >> ~/.zshrc
  logferry completion fish > ~/.config/fish/completions/logferry.fish

It works in shells that are started afterwards. In ~/.zshrc the line must come
after compinit.
"""


@add_completion_class
class _Bash(BashComplete):
    """Bash, which splits words at ``=`` and adds a space after each completion."""

    source_template = f"""{BashComplete.source_template}
%(complete_func)s_unspaced() {{
    %(complete_func)s "$@"
    if [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *= ]]; then
        compopt -o nospace
    fi
}}

complete -o nosort -F %(complete_func)s_unspaced %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, with ``KEY=VALUE`` as one word, and the part of the last word before the cursor."""
        before, last = super().get_completion_args()
        words: list[str] = []
        for word in (*before, last):
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        return words[:-1], words[-1]


@click.command(epilog=_EPILOG)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@shell_options
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """
    Print the completion script of a shell.

    Commands, options, streams, accounts, filters and severities are completed. Nothing is sent.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  # click has all three
    variable = f"_{_PROGRAM.upper()}_COMPLETE"
    echo(kind(ctx.find_root().command, {}, _PROGRAM, variable).source())


def complete_stream(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete streams that the command line does not name yet."""
    named = _named_streams(ctx)
    return [
        CompletionItem(one["name"], help=one["summary"])
        for one in _names()["streams"]
        if one["name"].startswith(incomplete) and one["name"] not in named
    ]


def complete_account(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete accounts of the configuration file, or without one, of the environment."""
    from logferry._accounts.accounts import described_accounts  # noqa: PLC0415  # other completions do not need it

    found = described_accounts(talk_of(ctx).config)
    if found is None:
        found = [
            name
            for name, variables in _names()["accounts"].items()
            if any(os.environ.get(variable, "").strip() for variable in variables)
        ]
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def complete_filter(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete ``KEY=`` of the filters of the named streams, or of all streams if none is named."""
    named = _named_streams(ctx)
    given = cast("Collection[str]", ctx.params.get("filters") or ())
    summaries: dict[str, str] = {}
    for stream in _names()["streams"]:
        if not named or stream["name"] in named:
            for name, summary in stream["filters"].items():
                summaries.setdefault(name, summary)
    return [
        CompletionItem(f"{name}=", help=summary)
        for name, summary in summaries.items()
        if name.startswith(incomplete) and name not in given
    ]


def complete_severity(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of severities."""
    names = map(str.lower, SEVERITIES)
    return [CompletionItem(name) for name in names if name.startswith(incomplete.lower())]


def _named_streams(ctx: click.Context) -> Collection[str]:
    # After an option whose value is missing, click does not read the arguments.
    return [*cast("Collection[str]", ctx.params.get("streams") or ()), *ctx.args]


def _names() -> dict[str, Any]:
    from logferry._accounts.registry import all_streams, outside_services  # noqa: PLC0415  # most commands have none

    names: dict[str, Any] = json.loads(NAMES_FILE.read_text(encoding="utf-8"))
    others = outside_services()
    if others:
        more = names_of(others, [stream for _, stream in all_streams(others)])
        names = {"accounts": names["accounts"] | more["accounts"], "streams": names["streams"] + more["streams"]}
    return names


def names_of(services: Iterable[Service], streams: Iterable[StreamDefinition[Any, Any, Any]]) -> dict[str, Any]:
    """Return what is completed of services and of streams, as a JSON value."""
    return {
        "accounts": {service.name: [*service.all_variables] for service in services},
        "streams": [
            {
                "name": stream.name,
                "summary": stream.summary,
                "filters": {one.name: one.summary for one in stream.filter_list},
            }
            for stream in streams
        ],
    }
