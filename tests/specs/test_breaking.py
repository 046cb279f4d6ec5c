"""scripts/breaking: a spec breaks only with a line in CHANGELOG."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n### Changed\n\n{entry}\n\n## 0.1.0\n\n- Logto: `logKey` is of an old release.\n"
)


def breaking(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = [sys.executable, ROOT / "scripts/breaking.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Return a copy of the specs that may be changed."""
    return shutil.copytree(ROOT / "specs", tmp_path / "specs")


def changed(specs: Path, old: str, new: str) -> None:
    """Replace the first such text of Logto's spec."""
    spec = specs / "logto/openapi.yaml"
    text = spec.read_text(encoding="utf-8")
    assert old in text
    spec.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_nothing_breaks_without_a_line() -> None:
    """The committed specs break nothing that the committed CHANGELOG does not name."""
    done = breaking()
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("- Nothing.", 1),
        ("- Logto: the parameter logKey went away.", 1),
        ("- Daily: `logKey` went away.", 1),
        ("- Logto: the parameter\n  `logKey` went away.", 0),
    ],
    ids=["no line", "no backticks", "another service", "a line"],
)
def test_a_breaking_change_needs_a_line(entry: str, code: int, specs: Path, tmp_path: Path) -> None:
    """The line names the service and what changed, in the section of what is not released."""
    changed(specs, "name: logKey\n", "name: eventKey\n")
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(CHANGELOG.format(entry=entry), encoding="utf-8")
    done = breaking("--specs", specs, "--changelog", changelog)
    assert done.returncode == code
    assert ("logto: GET /api/logs, parameter logKey" in done.stdout) == bool(code)


def test_a_compatible_change_needs_none(specs: Path, tmp_path: Path) -> None:
    """A value that an open enum gains needs no line."""
    changed(specs, "enum: [Success, Error]", "enum: [Success, Error, Skipped]")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG.format(entry=""), encoding="utf-8")
    assert breaking("--specs", specs, "--changelog", tmp_path / "CHANGELOG.md").returncode == 0


def test_a_release_is_what_is_compared_with(specs: Path, tmp_path: Path) -> None:
    """After a release the same spec needs no line any more."""
    changed(specs, "name: logKey\n", "name: eventKey\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG.format(entry=""), encoding="utf-8")
    assert breaking("--specs", specs, "--release").returncode == 0
    assert breaking("--specs", specs, "--changelog", tmp_path / "CHANGELOG.md").returncode == 0
