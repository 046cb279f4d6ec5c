"""The options that say which accounts a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from logferry._selection import selected_accounts
from logferry.cli._shell import talk

if TYPE_CHECKING:
    from logferry._accounts import Account

account_option = click.option(
    "--account", "accounts", multiple=True, metavar="NAME", help="Only this account; repeatable. Default: all."
)


def wanted_accounts(names: Sequence[str]) -> tuple[Account, ...]:
    """The accounts of these names, all without a name, of the configuration that the command line names."""
    return selected_accounts(names, config=talk().config)
