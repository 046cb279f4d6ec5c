"""The example of a service in a package of its own, installed beside logferry in a clean environment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import pytest
from filelock import FileLock
from tests.conftest import PATIENCE

from logferry.specs import generate

pytestmark = pytest.mark.example

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "docs/examples/okta"
BUILT: Final = ROOT / "build/wheel"
"""Where scripts/test puts logferry's wheel."""
FILES: Final = (
    "pyproject.toml",
    *(f"logferry_okta/{name}.py" for name in ("__init__", "client", "stream", "records", "fake")),
)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with the wheels of logferry and of the example, and with what they depend on."""
    folder = tmp_path_factory.getbasetemp().parent / f"example-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            making = folder.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", making / "env"], check=True)
            shutil.copytree(EXAMPLE, making / "okta")  # so that the build leaves nothing in the tree
            pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
            offline = ["--no-deps", "--no-index"]
            built = [*BUILT.glob("logferry-*.whl")]
            sources = [making / "okta", *([] if built else [ROOT])]
            wheel: list[str | Path] = [
                *pip,
                "wheel",
                *offline,
                "--no-build-isolation",
                "-w",
                making / "wheels",
                *sources,
            ]
            # With scripts/test's PYTHONPATH, pip would find logferry installed already.
            variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            subprocess.run(wheel, check=True, env=variables)
            wheels = [*built, *(making / "wheels").glob("*.whl")]
            python = making / "env/bin/python"
            subprocess.run(
                [*pip, "--python", python, "install", *offline, "--no-compile", *wheels], check=True, env=variables
            )
            (site,) = (making / "env/lib").glob("python*/site-packages")
            (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
            making.rename(folder)
    return folder


@pytest.fixture
def shell(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return the environment's commands, in a folder of their own."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return Shell(environment, tmp_path)


class Shell:
    """Commands of the environment."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.python = environment / "env/bin/python"
        self.folder = folder

    def python_command(self, *words: str | Path) -> list[str | Path]:
        """Return a command of the environment's Python."""
        return [self.python, "-P", *words]

    def run(self, *words: str | Path, variables: Mapping[str, str] | None = None) -> str:
        """Run ``python`` with these words, and return its stdout."""
        done = subprocess.run(
            self.python_command(*words),
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", **(variables or {})},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def simulated(self) -> Generator[dict[str, str]]:
        """Run ``logferry simulate``; give the variables of the example's account."""
        command = self.python_command("-u", "-m", "logferry", "simulate", "--records", "300")
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            variables: dict[str, str] = {}
            while "OKTA_API_TOKEN" not in variables or "OKTA_BASE_URL" not in variables:
                line = process.stdout.readline()
                assert line, "simulate has ended"
                name, _, value = line.removeprefix("export ").strip().partition("=")
                if name.startswith("OKTA_"):
                    variables[name] = value.strip("'")
            try:
                yield variables
            finally:
                process.send_signal(signal.SIGINT)
                process.stdout.read()
                assert process.wait(PATIENCE) == 0


def test_the_shell_knows_the_stream(shell: Shell) -> None:
    """Streams, check, pull, sync and tail work as for a built-in service, against the served fake."""
    facts = json.loads(shell.run("-m", "logferry", "streams", "okta.system_log"))
    assert (facts["variables"], facts["attributes"][0]["name"]) == (["OKTA_BASE_URL", "OKTA_API_TOKEN"], "user.id")
    with shell.simulated() as account:
        assert "okta.system_log answered" in shell.run("-m", "logferry", "check", variables=account)
        pulled = shell.run("-m", "logferry", "pull", "okta.system_log", "--since", "1d", variables=account).splitlines()
        assert len(pulled) >= 300
        record = json.loads(pulled[0])
        assert (record["stream"], record["resource"]["service.name"]) == ("okta.system_log", "okta")
        for _ in range(2):
            shell.run("-m", "logferry", "sync", "--to", "logs.duckdb", "--since", "1d", variables=account)
        with duckdb.connect(str(shell.folder / "logs.duckdb"), read_only=True) as store:
            rows = store.execute('SELECT count(*), count(DISTINCT "user.id") FROM okta_system_log').fetchall()
        assert rows[0][0] >= 300
        assert rows[0][1] == 7
        command = shell.python_command("-u", "-m", "logferry", "tail", "--since", "30m", "--format", "jsonl")
        environment = {**os.environ, **account}
        with subprocess.Popen(command, cwd=shell.folder, env=environment, stdout=subprocess.PIPE, text=True) as tail:
            assert tail.stdout is not None
            assert json.loads(tail.stdout.readline())["stream"] == "okta.system_log"
            tail.send_signal(signal.SIGINT)
            tail.stdout.read()


def test_completion_knows_the_stream(shell: Shell) -> None:
    """Names of streams, filters and accounts are completed."""

    def completed(*words: str) -> list[str]:
        variables = {
            "_LOGFERRY_COMPLETE": "bash_complete",
            "COMP_WORDS": "\n".join(("logferry", *words)),
            "COMP_CWORD": str(len(words)),
            "OKTA_API_TOKEN": "x",
        }
        shown = shell.run("-c", COMMAND, variables=variables)
        return [line.partition(",")[2] for line in shown.splitlines()]

    assert completed("pull", "okta.") == ["okta.system_log"]
    assert completed("pull", "okta.system_log", "--filter", "") == ["filter_=", "q="]
    assert completed("pull", "--account", "") == ["okta"]


COMMAND: Final = 'from logferry.cli import main; main(prog_name="logferry")'


def test_the_tests_of_the_example_pass(shell: Shell, environment: Path) -> None:
    """The pytest plugin, and the conformance suite with 200 trials of pulls and 20 of syncs."""
    tests = environment / "okta/tests"
    shown = shell.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tests, tests)
    assert "101 passed" in shown


def test_both_type_checkers_accept_the_installed_package(shell: Shell, environment: Path) -> None:
    """In strict mode, with nothing but what the wheels have."""
    (site,) = (environment / "env/lib").glob("python*/site-packages")
    package = site / "logferry_okta"
    own = [package / Path(name).name for name in FILES[1:]]
    shell.run("-m", "mypy", "--strict", "--cache-dir", shell.folder / "cache", "-p", "logferry_okta")
    settings = {"typeCheckingMode": "strict", "include": [str(one) for one in own], "pythonVersion": "3.11"}
    (shell.folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    shell.run("-m", "pyright", "--pythonpath", shell.python, "-p", shell.folder)


def test_it_has_at_most_350_lines_and_imports_nothing_private() -> None:
    """Its spec and its generated client are not counted; a name with an underscore is private."""
    written = [EXAMPLE / name for name in FILES] + [*(EXAMPLE / "tests").glob("*.py")]
    others = {*EXAMPLE.rglob("*.py")} - {*written, *(EXAMPLE / "logferry_okta/generated").rglob("*.py")}
    assert not others
    texts = [one.read_text(encoding="utf-8") for one in written]
    assert sum(text.count("\n") for text in texts) <= 350
    assert not [line for text in texts for line in text.splitlines() if "import" in line and "logferry._" in line]


def test_its_client_is_what_the_spec_generates(tmp_path: Path) -> None:
    """As README says: ``logferry spec generate``."""
    generated = EXAMPLE / "logferry_okta/generated"
    generate(EXAMPLE / "spec/openapi.yaml", tmp_path / "generated")
    for one in (path for path in (tmp_path / "generated").rglob("*") if path.is_file()):
        name = one.relative_to(tmp_path / "generated")
        assert (generated / name).read_bytes() == one.read_bytes(), name
