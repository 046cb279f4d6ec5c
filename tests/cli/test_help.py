import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.cli.conftest import Run
from tests.conftest import PATIENCE

from logferry._version import __version__
from logferry.cli import main
from logferry.cli._shell import commands_of

COMMANDS = dict(commands_of(main))
EXAMPLES = [
    line.strip()
    for command in COMMANDS.values()
    for block in re.findall(r"Examples:\n((?:  .+\n)+)", command.epilog or "")
    for line in block.splitlines()
]
ENDLESS = ("logferry simulate", "logferry tail", "logferry demo", "logferry sync --to logs/ --every")
"""Examples with these beginnings run until Ctrl-C, or for long."""
STORED = "logferry state"
"""Examples with these beginnings need a store."""
SPECS = ("openapi.yaml", "old.yaml")
"""The specs that examples name; they also name traffic.har."""


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples(run: Run, name: str) -> None:
    """Every --help describes the command and has examples, within 80 columns."""
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert f"  Examples:\n    logferry {name}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_a_help_text(name: str) -> None:
    """Every option has a help text."""
    silent = [one.name for one in COMMANDS[name].params if isinstance(one, click.Option) and not one.help]
    assert silent == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_the_version_option(run: Run, name: str) -> None:
    """Every command accepts --version."""
    assert run(*name.split(), "--version").stdout == f"logferry {__version__}\n"


def test_summaries_are_not_cut(run: Run) -> None:
    """The list of commands shows each summary in full."""
    assert "..." not in run("--help").stdout.partition("Commands:")[2].partition("Examples:")[0]


def test_an_unknown_option_is_a_usage_error(run: Run) -> None:
    """An unknown option is a usage error."""
    assert run("pull", "--sinc", "1h").exit_code == 2


@pytest.mark.parametrize("line", [line for line in EXAMPLES if not line.startswith(ENDLESS)])
@pytest.mark.usefixtures("configured")
def test_each_example_runs(line: str, run: Run, tmp_path: Path) -> None:
    """Each example of --help exits with 0 as printed."""
    if "| jq" in line and shutil.which("jq") is None:
        line = line.partition("|")[0]
    if line.startswith(STORED):
        assert run("sync", "--to", str(tmp_path / "logs.duckdb")).exit_code == 0
    for name in SPECS if line.startswith("logferry spec") else ():
        shutil.copy(Path(__file__).parents[2] / "specs/logto/openapi.yaml", tmp_path / name)
        (tmp_path / "traffic.har").write_text('{"log": {"entries": []}}')
    (tmp_path / ".config/fish/completions").mkdir(parents=True)
    changes = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(
        ["bash", "-c", line], env=os.environ | changes, cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE
    )


def test_examples_are_found() -> None:
    """The parser of these tests finds examples."""
    assert len(EXAMPLES) > len(COMMANDS)
