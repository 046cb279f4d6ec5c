import click
import pytest
from tests.cli.conftest import Run

from logferry._version import __version__
from logferry.cli import main

COMMANDS = ["", *main.commands]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_teaches_by_example(run: Run, name: str) -> None:
    """Every --help says what the command does and shows it at work, within 80 columns."""
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert f"  Examples:\n    logferry {name}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_a_help_text(name: str) -> None:
    """No option is left unexplained."""
    command = main.commands[name] if name else main
    silent = [one.name for one in command.params if isinstance(one, click.Option) and not one.help]
    assert silent == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_knows_the_version(run: Run, name: str) -> None:
    """--version is everywhere."""
    assert run(*name.split(), "--version").stdout == f"logferry {__version__}\n"


def test_summaries_are_complete(run: Run) -> None:
    """The list of commands cuts no sentence short."""
    assert "..." not in run("--help").stdout.partition("Commands:")[2].partition("Examples:")[0]


def test_unknown_option(run: Run) -> None:
    """A wrong option is a usage error."""
    assert run("pull", "--sinc", "1h").exit_code == 2
