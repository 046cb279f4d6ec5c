"""``logferry.specs.new``: a package for a service that logferry does not know."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from logferry import InvalidRequestError
from logferry.cli import main
from logferry.specs import new

ROOT = Path(__file__).parents[2]
ACORN = Path(__file__).with_name("documents") / "acorn.yaml"
LOGTO = ROOT / "specs/logto/openapi.yaml"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project of a made-up service, and what an installer writes beside its package."""
    folder = tmp_path_factory.mktemp("new") / "project"
    new("acorn", ACORN, "listEvents", output=folder)
    installed = folder / "logferry_acorn-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: logferry-acorn\nVersion: 0.1.0\n", encoding="utf-8"
    )
    points = "[logferry.services]\nacorn = logferry_acorn:SERVICE\n"
    (installed / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python where the package is installed."""
    path = os.pathsep.join(filter(None, [str(project), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "MYPYPATH": str(project)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def test_the_project_has_its_parts(project: Path) -> None:
    """It has an entry point, the spec, a client, a walk, a normalizer, a fake, tests, and a list of what is to do."""
    names = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    package = {f"logferry_acorn/{one}.py" for one in ("__init__", "client", "stream", "records", "fake")}
    others = {"pyproject.toml", "README.md", "spec/openapi.json", "tests/test_acorn.py", "logferry_acorn/py.typed"}
    assert package | others | {"logferry_acorn/generated/openapi.json"} <= names
    assert "logferry.services" in (project / "pyproject.toml").read_text(encoding="utf-8")
    assert "- [ ] `records.py`" in (project / "README.md").read_text(encoding="utf-8")


def test_its_tests_pass_as_written(project: Path) -> None:
    """The tests run the conformance suite of pulls and syncs, and pass before anything is filled in."""
    done = run(project, "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout
    assert "21 passed" in done.stdout


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_it_is_strictly_typed(project: Path, checker: str) -> None:
    """Both type checkers accept it in their strict modes."""
    if checker == "mypy":
        done = run(
            project,
            "mypy",
            "--strict",
            "--config-file=",
            "--cache-dir",
            str(project / ".mypy"),
            "logferry_acorn",
            "tests",
        )
    else:
        settings = '{"typeCheckingMode": "strict", "include": ["logferry_acorn", "tests"], "ignore": ["logferry_acorn/generated"]}'
        (project / "pyrightconfig.json").write_text(settings, encoding="utf-8")
        done = run(project, "pyright", "--pythonpath", sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr


def test_logferry_knows_the_service(project: Path) -> None:
    """The shell lists its stream with the filters that the operation has."""
    done = run(project, "logferry", "streams", "acorn.logs", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    assert '"stream":"acorn.logs"' in done.stdout
    assert '"kind"' in done.stdout


@pytest.mark.parametrize(
    ("name", "operation", "message"),
    [
        ("Acorn", "listEvents", "is no name of a service"),
        ("a_corn", "listEvents", "is no name of a service"),
        ("../acorn", "listEvents", "is no name of a service"),
        ("logto", "listEvents", "a service logto of its own"),
        ("acorn", "listNothing", "no operation listNothing"),
    ],
)
def test_what_cannot_be_is_refused(name: str, operation: str, message: str, tmp_path: Path) -> None:
    """A name that does not fit or is taken, and an operation that is not there, write nothing."""
    with pytest.raises(InvalidRequestError, match=message):
        new(name, ACORN, operation, output=tmp_path / "project")
    assert list(tmp_path.iterdir()) == []


def test_an_operation_without_a_list_is_refused(tmp_path: Path) -> None:
    """The operation has to respond with a list of objects."""
    with pytest.raises(InvalidRequestError, match="does not respond with a list of objects"):
        new("acorn", LOGTO, "get_audit_log", output=tmp_path / "project")


def test_a_folder_that_exists_is_kept(tmp_path: Path) -> None:
    """Nothing is written into a folder that exists."""
    with pytest.raises(InvalidRequestError, match="exists"):
        new("acorn", ACORN, "listEvents", output=tmp_path)


@pytest.mark.parametrize("operation", ["list_audit_logs"])
def test_a_service_with_pages_by_number_compiles(operation: str, tmp_path: Path) -> None:
    """Where no cursor is found, the walk says what is to do, and the package compiles."""
    new("acorn", LOGTO, operation, output=tmp_path / "project")
    text = (tmp_path / "project/logferry_acorn/stream.py").read_text(encoding="utf-8")
    assert "To do: send the cursor of the page before" in text
    for module in (tmp_path / "project").rglob("*.py"):
        compile(module.read_bytes(), str(module), "exec")


def test_a_hostile_spec_injects_nothing(tmp_path: Path) -> None:
    """Names of fields, parameters, servers and headers are literal texts in the package."""
    payload = '"""\'; pwned.run(); {{ pwned.run() }}\n\\'
    document = yaml.safe_load(ACORN.read_text(encoding="utf-8"))
    document["servers"] = [{"url": f"https://x.example/{payload}"}]
    document["components"]["securitySchemes"]["key"]["name"] = payload
    parameters = document["paths"]["/events"]["get"]["parameters"]
    parameters[4]["name"] = payload
    parameters.append(
        {"name": f"r{payload}", "in": "query", "required": True, "schema": {"type": "string", "enum": [payload]}}
    )
    event = document["components"]["schemas"]["Event"]
    event["properties"] = {f"{name}{payload}": schema for name, schema in event["properties"].items()}
    event["required"] = [f"{name}{payload}" for name in event["required"]]
    page = document["components"]["schemas"]["Page"]
    page["properties"][payload] = page["properties"].pop("events")
    page["required"] = [payload]
    document["paths"]["/events"]["get"]["operationId"] = payload
    (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    new("acorn", tmp_path / "openapi.yaml", "GET /events", output=tmp_path / "project")
    assert {path.name for path in tmp_path.iterdir()} == {"openapi.yaml", "project"}
    for module in (tmp_path / "project").rglob("*.py"):
        tree = ast.parse(module.read_bytes())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert "pwned" not in names


def test_the_command_writes_a_project(tmp_path: Path) -> None:
    """The command lists the files that a person edits, and what is to do."""
    folder = tmp_path / "project"
    done = CliRunner().invoke(
        main, ["spec", "new", "acorn", "--spec", str(ACORN), "--operation", "listEvents", "-o", str(folder)]
    )
    assert done.exit_code == 0, done.output
    assert f"wrote    {folder}/logferry_acorn/stream.py" in done.stdout
    assert "/generated/" not in done.stdout
    assert "to do: `stream.py`" in done.stderr
