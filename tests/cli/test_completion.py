"""Completion: its suggestions, its speed, and its use by a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete, get_completion_class
from tests.cli.conftest import Run, Server
from tests.conftest import PATIENCE

from logferry.cli import main

PROMPT = "_LOGFERRY_COMPLETE"
WITHOUT_HTTP = """
import atexit, sys
from logferry.cli import main
atexit.register(lambda: print(sorted({"httpx", "rich", "anyio", "logferry.services"} & set(sys.modules)), file=sys.stderr))
main(prog_name="logferry")
"""


def proposed(*words: str) -> list[str]:
    """Return the suggestions for the last word."""
    *before, last = words
    return [item.value for item in ShellComplete(main, {}, "logferry", PROMPT).get_completions(before, last)]


def proposed_in_bash(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """Return the suggestions for the last word, split as bash does."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(("logferry", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    kind = get_completion_class("bash")
    assert kind is not None
    return [line.partition(",")[2] for line in kind(main, {}, "logferry", PROMPT).complete().splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("pul",), ["pull"]),
        (("pull", "logto."), ["logto.audit_logs"]),
        (("pull", "daily.session_logs", "daily.s"), ["daily.session_metrics"]),
        (("pull", "--form"), ["--format"]),
        (("pull", "--format", ""), ["jsonl", "csv", "table", "parquet", "arrow"]),
        (("pull", "--severity", ""), ["trace", "debug", "info", "warn", "error", "fatal"]),
        (("pull", "--severity", "W"), ["warn"]),
        (("pull", "--filter", "log_"), ["log_level=", "log_key="]),
        (("pull", "logto.audit_logs", "--filter", ""), ["user_id=", "application_id=", "log_key="]),
        (("pull", "logto.audit_logs", "--filter", "user_id=x", "--filter", ""), ["application_id=", "log_key="]),
        (("pull", "--filter", "log_key=l"), []),
        (("completion", ""), ["bash", "zsh", "fish"]),
    ],
)
def test_each_kind_of_word_is_completed(words: tuple[str, ...], expected: list[str]) -> None:
    """Commands, streams, options, filters and values are suggested by the typed prefix."""
    assert proposed(*words) == expected


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("command", ["pull", "check"])
def test_accounts_are_completed(command: str) -> None:
    """The accounts of the environment are suggested."""
    assert proposed(command, "--account", "") == ["logto"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("pull", "--filter", "log_k"), ["log_key="]),
        (("pull", "--filter", "log_key", "="), []),
        (("pull", "--filter", "log_key", "=", "logto."), []),
        (("pull", "--filter", "log_key", "=", "x", "logto."), ["logto.audit_logs"]),
        (("pull", "--severity", "=", "fa"), ["fatal"]),
    ],
)
def test_words_that_bash_splits_are_joined(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], expected: list[str]
) -> None:
    """Bash splits KEY=VALUE into three words; no stream is suggested for a value."""
    assert proposed_in_bash(monkeypatch, *words) == expected


def test_completion_is_quick(configured: Server) -> None:
    """Completion imports no slow module and sends no request, so it works while the server is down."""
    environment = os.environ | {
        PROMPT: "bash_complete",
        "COMP_WORDS": "logferry\npull\n",
        "COMP_CWORD": "2",
        "LOGTO_ENDPOINT": f"{configured.url}0",
    }
    shown = subprocess.run(
        [sys.executable, "-c", WITHOUT_HTTP],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "plain,logto.audit_logs" in shown.stdout.splitlines()
    assert shown.stderr == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(run: Run, shell: str) -> None:
    """Each shell has a script for the name of the command."""
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "logferry" in result.stdout
    assert f"{PROMPT}={shell}_complete" in result.stdout


def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    """Bash loads the script and completes with it."""
    script = """
        eval "$(logferry completion bash)"
        complete -p logferry
        COMP_WORDS=(logferry pull --filter log_k) COMP_CWORD=3
        compopt() { echo "compopt $*"; }
        _logferry_completion_unspaced logferry
        echo "${COMPREPLY[@]}"
    """
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    shown = subprocess.run(
        ["bash", "--norc", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == [
        "complete -o nosort -F _logferry_completion_unspaced logferry",
        "compopt -o nospace",
        "log_key=",
    ]
