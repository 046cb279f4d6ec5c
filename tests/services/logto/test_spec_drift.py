"""A change of the spec is found by both type checkers, before anything runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


CHECKERS = (
    [sys.executable, "-m", "mypy", "--strict", "-p", "logferry.services"],
    [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
)


def project(folder: Path, changes: dict[str, str]) -> Path:
    """A copy of the project, generated from a spec in which *changes* were made."""
    shutil.copytree(ROOT / "specs", folder / "specs")
    spec = folder / "specs/logto/openapi.yaml"
    text = spec.read_text(encoding="utf-8")
    for named, renamed in changes.items():
        assert text.count(named) == 1
        text = text.replace(named, renamed)
    spec.write_text(text, encoding="utf-8")
    command = [f"{ROOT}/scripts/regenerate", "--specs", f"{folder}/specs", "--output", f"{folder}/project"]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copytree(ROOT / "facade/logferry", folder / "project/logferry")
    settings = '{"typeCheckingMode": "strict", "include": ["logferry/services"]}'
    (folder / "project/pyrightconfig.json").write_text(settings, encoding="utf-8")
    return folder / "project"


def complaints(folder: Path) -> list[str]:
    """What both checkers print for the services' folder of a project; nothing where they find nothing."""
    results = [subprocess.run(one, cwd=folder, capture_output=True, text=True, check=False) for one in CHECKERS]
    return [result.stdout for result in results if result.returncode]


def test_without_a_change_both_checkers_find_nothing(tmp_path: Path) -> None:
    """So whatever they find in the other tests is due to the change."""
    assert complaints(project(tmp_path, {})) == []


@pytest.mark.parametrize(
    ("named", "renamed", "module"),
    [
        ("\n        userAgent:\n", "\n        browserAgent:\n", "_records.py"),
        (
            "\n        userId:\n          type: string\n",
            "\n        accountId:\n          type: string\n",
            "_records.py",
        ),
        ("name: logKey\n", "name: eventKey\n", "_streams.py"),
    ],
    ids=["userAgent", "userId", "the filter logKey"],
)
def test_a_renamed_name_of_the_spec_fails_both_checkers(named: str, renamed: str, module: str, tmp_path: Path) -> None:
    """With a field or a parameter renamed in a copy of the spec, mypy and pyright fail on Logto's module."""
    found = complaints(project(tmp_path, {named: renamed}))
    assert len(found) == len(CHECKERS)
    assert all(module in text for text in found)
