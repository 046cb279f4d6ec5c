"""A change of the spec is found by both type checkers, before anything runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def checked(folder: Path, *command: str) -> str:
    """What a checker prints for the services in a copy of the project; it must find errors."""
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("named", "renamed", "module"),
    [
        ("\n        room_name:\n", "\n        room:\n", "_records.py"),
        ("\n        next:\n", "\n        following:\n", "_streams.py"),
        ("name: page_token\n", "name: cursor\n", "_streams.py"),
    ],
    ids=["a field that the normalizer reads", "the link that the walk follows", "a parameter that the walk sends"],
)
def test_a_renamed_name_of_the_spec_fails_both_checkers(named: str, renamed: str, module: str, tmp_path: Path) -> None:
    """With a field or a parameter renamed in a copy of the spec, mypy and pyright fail on SignalWire's module."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    spec = tmp_path / "specs/signalwire/openapi.yaml"
    text = spec.read_text(encoding="utf-8")
    assert text.count(named) == 1
    spec.write_text(text.replace(named, renamed), encoding="utf-8")
    project = tmp_path / "project"
    subprocess.run(
        [sys.executable, ROOT / "scripts/regenerate.py", "--specs", tmp_path / "specs", "--output", project],
        check=True,
        capture_output=True,
    )
    shutil.copytree(ROOT / "facade/logferry", project / "logferry")
    (project / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["logferry/services"]}')
    for command in (
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "-p", "logferry.services"],
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
    ):
        assert f"signalwire/{module}" in checked(project, *command)
