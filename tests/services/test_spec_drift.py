"""
Both type checkers find a change of a spec before any code runs.

One change to each service is checked at once, so that each checker runs once: it must report each name, and no module
that uses none of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
COMPLAINT = re.compile(r"logferry/(\S+\.py):\d+\b.*\berror: ")


@frozen
class Rename:
    """
    One change of a spec.

    Attributes:
        module: The module that reads or sends the renamed field, below ``logferry``.
        name: The name in the API.
        declared: The text in the spec; where it occurs more than once, the first one is meant.
        used: The text in the module, which the complaint quotes.
    """

    module: str
    name: str
    declared: str
    used: str

    def apply(self, specs: Path) -> None:
        """Change the service's spec in this folder."""
        spec = specs / Path(self.module).parts[1] / "openapi.yaml"
        text, renamed = spec.read_text(encoding="utf-8"), self.declared.replace(self.name, f"{self.name}_renamed")
        assert self.declared in text
        spec.write_text(text.replace(self.declared, renamed, 1), encoding="utf-8")

    def is_named(self, complaint: str) -> bool:
        """Return whether an error about the module has the removed name."""
        return f"'{self.used}'" in complaint or f'"{self.used}"' in complaint


def field(module: str, name: str) -> Rename:
    """Return the change of a field that is read."""
    return Rename(f"services/{module}.py", name, f"\n        {name}:\n", name)


def value(module: str, name: str, declared: str) -> Rename:
    """Return the change of a value of an enum, whose meaning a table has."""
    return Rename(f"services/{module}.py", name, declared, name)


def parameter(module: str, name: str, used: str) -> Rename:
    """Return the change of a filter or another parameter."""
    return Rename(f"services/{module}.py", name, f"name: {name}\n", used)


RENAMES = (  # one name of each mapping, since pyright stops at the first error
    field("cognigy/_records", "traceId"),
    field("cognigy/_streams", "nextCursor"),
    parameter("cognigy/_streams", "flowName", "flow_name"),
    parameter("cognigy/_streams", "startDate", "start_date"),
    field("daily/_records", "peerId"),
    field("daily/_records", "domainId"),
    field("daily/_records", "roomName"),
    field("daily/_sessions/query", "metrics"),
    parameter("daily/_sessions/query", "mtgSessionId", "mtg_session_id"),
    parameter("daily/_api_logs", "url", "url_query"),
    parameter("daily/_meetings", "timeframe_start", "timeframe_start"),
    field("daily/_meeting_records", "max_participants"),
    field("logto/_records", "userAgent"),
    parameter("logto/_query", "logKey", "log_key"),
    field("signalwire/_records", "room_name"),
    field("signalwire/_lists", "next"),
    parameter(
        "signalwire/_streams", "page_token", "_ListRequest"
    ),  # the protocol of the builders, which misses it then
    value("cognigy/_records", "fatal", "enum: [fatal, error,"),
    value("daily/_records", "webhook", "enum: [api, webhook]"),
    value("logto/_records", "Success", "enum: [Success, Error]"),
    value("signalwire/_records", "video_room_session", "enum: [video_room_session, video_conference_session]"),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the package, on clients generated from changed specs."""
    tmp_path = tmp_path_factory.mktemp("drift")
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    for rename in RENAMES:
        rename.apply(tmp_path / "specs")
    script = str(ROOT / "scripts/regenerate.py")
    command = [sys.executable, script, "--specs", str(tmp_path / "specs"), "--output", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copytree(ROOT / "facade/logferry", folder / "logferry", ignore=shutil.ignore_patterns("__pycache__"))
    settings = '{"typeCheckingMode": "strict", "include": ["logferry/services"]}'
    (folder / "pyrightconfig.json").write_text(settings, encoding="utf-8")
    # The command and the stores use no client, and their libraries would take most of the time.
    settings = "[mypy]\nstrict = true\n[mypy-logferry.stores.*,logferry.cli.*]\nfollow_imports = skip\n"
    (folder / "mypy.ini").write_text(settings, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "checker",
    [
        pytest.param(
            ["mypy", "--config-file", "mypy.ini", "--cache-dir", "../cache", "-p", "logferry.services"], id="mypy"
        ),
        pytest.param(["pyright", "--pythonpath", sys.executable], id="pyright"),
    ],
)
def test_a_renamed_name_of_a_spec_is_a_type_error_where_it_is_used(project: Path, checker: list[str]) -> None:
    """Each renamed field and parameter fails the check of its module, and no other module fails."""
    command = [sys.executable, "-m", *checker]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    _, *found = COMPLAINT.split(done.stdout)
    complaints = list(zip(found[::2], found[1::2], strict=True))
    missed = [
        one for one in RENAMES if not any(one.module == module and one.is_named(text) for module, text in complaints)
    ]
    assert missed == [], done.stdout + done.stderr
    assert {module for module, _ in complaints} == {one.module for one in RENAMES}, done.stdout
