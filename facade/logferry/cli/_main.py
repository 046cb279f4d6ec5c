"""The command and its subcommands."""

from typing import Final

import click

from logferry.cli._check import check
from logferry.cli._completion import completion
from logferry.cli._demo.command import demo
from logferry.cli._pull.command import pull
from logferry.cli._shell import Shell, shell_options
from logferry.cli._simulate import simulate
from logferry.cli._spec.command import spec
from logferry.cli._state import state
from logferry.cli._streams import streams
from logferry.cli._sync.command import sync
from logferry.cli._tail.command import tail

_EPILOG: Final = """
\b
Examples:
  logferry streams
  logferry check
  logferry pull --since 1h > logs.jsonl
  logferry sync --to logs.duckdb
  logferry tail

\b
Exit codes:
  0    done
  1    unexpected
  2    usage or configuration, also where a service refuses the request
  3    authentication or permission
  4    service, network, store or output; records that are lost
  5    data: a response that cannot be decoded, paging that never ends
  130  Ctrl-C
"""


@click.group(cls=Shell, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@shell_options
def main() -> None:
    """
    Bring the logs of SaaS services home.

    Accounts are described in logferry.toml, or by environment variables; `logferry streams` names them.
    """


for command in (streams, check, pull, tail, sync, state, simulate, spec, demo, completion):
    main.add_command(command)
