"""Without the packages of the extras, each command and each name in Python names the extra to install."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from tests.conftest import PATIENCE

from logferry._extras import DISTRIBUTIONS, EXTRAS

PROJECT: Final[Mapping[str, Any]] = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
OPTIONAL: Final[Mapping[str, list[str]]] = PROJECT["optional-dependencies"]

WITHOUT: Final = """
import sys
from importlib.machinery import PathFinder

MISSING = %r


class Finder:
    # Finds what is installed, but for these packages.
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if {name, name.partition(".")[0]} & {*MISSING} else PathFinder.find_spec(name, path, target)

    @staticmethod
    def invalidate_caches():
        PathFinder.invalidate_caches()


sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""

CONFIGURATION: Final = """
[accounts.login]
service = "logto"
endpoint = "http://127.0.0.1:9"
access_token = %s
"""


def names(requirements: list[str]) -> set[str]:
    """Return the packages of requirements."""
    found = (re.match(r"[\w.-]+", one) for one in requirements)
    return {one[0] for one in found if one is not None}


def without(folder: Path, missing: tuple[str, ...], *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python where these packages cannot be found."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(WITHOUT % (missing,))
    (folder / "work").mkdir()
    (folder / "logferry.toml").write_text(CONFIGURATION % '"hush"')
    (folder / "keyring.toml").write_text(CONFIGURATION % '{ keyring = "login" }')
    path = os.pathsep.join(filter(None, [str(folder / "site"), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *command],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder / "work",
        env={**os.environ, "PYTHONPATH": path, "LOGFERRY_CONFIG": str(folder / "logferry.toml")},
        timeout=PATIENCE,
    )


def test_every_package_of_an_extra_is_known() -> None:
    """Each package is mapped to an extra that includes it, and `all` includes every other extra."""
    others = {extra: requirements for extra, requirements in OPTIONAL.items() if extra != "all"}
    packages = {DISTRIBUTIONS.get(module, module): extra for module, extra in EXTRAS.items()}
    assert set().union(*map(names, others.values())) == set(packages)
    assert all(package in names(others[extra]) for package, extra in packages.items())
    assert OPTIONAL["all"] == [f"logferry[{','.join(sorted(others))}]"]
    assert names(PROJECT["dependencies"]).isdisjoint(packages)


COMMANDS: Final[dict[tuple[str, ...], str]] = {
    ("sync", "--to", "logs.duckdb"): "this store needs the package duckdb. pip install 'logferry[duckdb]'",
    ("sync", "--to", "logs/"): "this store needs the package pyarrow. pip install 'logferry[parquet]'",
    ("sync", "--to", "logs"): "this store needs the package pyarrow. pip install 'logferry[parquet]'",
    ("sync", "--to", "dlt:postgres"): "this store needs the package pyarrow. pip install 'logferry[dlt]'",
    ("state", "show", "."): "this store needs the package pyarrow. pip install 'logferry[parquet]'",
    ("state", "show", "dlt:postgres"): "this store needs the package pyarrow. pip install 'logferry[dlt]'",
    ("state", "forget", ".", "--account", "x"): "this store needs the package pyarrow. pip install 'logferry[parquet]'",
    (
        "spec",
        "generate",
        "logto",
        "--output",
        "client",
    ): "logferry.specs needs the package openapi-python-client. pip install 'logferry[specs]'",
    ("spec", "diff", "logto", "logto"): "logferry.specs needs the package pyyaml. pip install 'logferry[specs]'",
    ("simulate",): "the loopback server needs the package uvicorn. pip install 'logferry[simulate]'",
    ("demo",): "the loopback server needs the package uvicorn. pip install 'logferry[simulate]'",
    (
        "pull",
        "--config",
        "../keyring.toml",
    ): "the keyring's secret login needs the package keyring (account login). pip install 'logferry[keyring]'",
    ("check", "--config", "../keyring.toml"): "pip install 'logferry[keyring]'",
    ("pull", "--output", "a.parquet"): "the format parquet needs the package pyarrow. pip install 'logferry[parquet]'",
    ("pull", "--format", "arrow"): "the format arrow needs the package pyarrow. pip install 'logferry[parquet]'",
}
if sys.version_info < (3, 14):
    COMMANDS["pull", "--output", "a.csv.zst"] = (
        "a name in .zst needs the package backports.zstd. pip install 'logferry[zstd]'"
    )


@pytest.mark.parametrize(("arguments", "message"), COMMANDS.items(), ids=map(" ".join, COMMANDS))
def test_a_command_names_the_missing_extra(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """Without any extra, the exit code is that of a wrong setup, and no file is created."""
    done = without(tmp_path, tuple(EXTRAS), "-m", "logferry", *arguments)
    assert message in done.stdout + done.stderr
    assert done.returncode == 2
    assert "bug" not in done.stderr
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("streams",), ("--help",), ("sync", "--help"), ("completion", "bash")], ids=" ".join
)
def test_other_commands_need_no_extra(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Other commands work without any extra."""
    done = without(tmp_path, tuple(EXTRAS), "-m", "logferry", *arguments)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the standard library has it")
def test_a_missing_namespace_is_mapped_to_its_package(tmp_path: Path) -> None:
    """A missing namespace package is reported as the package of the extra within it."""
    done = without(tmp_path, ("backports",), "-m", "logferry", "pull", "--output", "a.csv.zst")
    assert "needs the package backports.zstd. pip install 'logferry[zstd]'" in done.stderr


@pytest.mark.parametrize(("keep", "code"), [((), 0), (("--keep", "demo.duckdb"), 2)], ids=["demo", "demo --keep"])
def test_the_demo_names_the_extra_of_its_sync(keep: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """Without DuckDB the demo skips its sync with a note; with --keep this is an error."""
    done = without(tmp_path, ("duckdb", "pyarrow"), "-m", "logferry", "demo", "--records", "1", *keep)
    assert done.returncode == code
    assert "needs the package duckdb. pip install 'logferry[duckdb]'" in done.stderr


PROGRAMS: Final = {
    "ferry.sync('logs.duckdb')": "[duckdb]",
    "ferry.sync(Path('logs'))": "[parquet]",
    "ferry.sync('dlt:postgres')": "[dlt]",
    "ferry.sync(object())": "[parquet]",
    "logferry.stores.open_store('logs.duckdb')": "[duckdb]",
    "logferry.stores.DuckDBStore('logs.duckdb')": "[duckdb]",
    "logferry.stores.DltStore('postgres')": "[dlt]",
    "logferry.stores.ParquetStore('logs')": "[parquet]",
    "logferry.stores.SCHEMA": "[parquet]",
    "from logferry.stores import DuckDBStore": "[duckdb]",
    "import logferry.sync": "[parquet]",
    "import logferry.testing.stores": "[parquet]",
    "from logferry.specs import generate": "[specs]",
    "import logferry.specs; logferry.specs.diff('logto', 'logto')": "[specs]",
    "logferry.testing.serve(logferry.testing.LogtoFake(records=1)).__enter__()": "[simulate]",
    "logferry.Logto(endpoint='http://127.0.0.1:9', access_token='x', transport='fast')": "[fast]",
}


def test_an_import_names_the_missing_extra(tmp_path: Path) -> None:
    """The error is both one of logferry's and a ModuleNotFoundError, so either can be caught."""
    program = f"""
from pathlib import Path
import logferry, logferry.stores, logferry.testing
with logferry.open_accounts() as ferry:
    for line in {list(PROGRAMS)!r}:
        try:
            exec(line)
        except ModuleNotFoundError as error:
            assert isinstance(error, logferry.MissingPackageError)
            assert isinstance(error, logferry.ConfigurationError)
            print(error.name, error.hint)
        else:
            print("nothing missing for", line)
"""
    done = without(tmp_path, tuple(EXTRAS), "-c", program)
    assert done.returncode == 0, done.stderr
    hints = [line.partition("logferry")[2].rstrip("'") for line in done.stdout.splitlines()]
    assert dict(zip(PROGRAMS, hints, strict=True)) == PROGRAMS


def test_other_missing_modules_are_not_explained(tmp_path: Path) -> None:
    """A missing package of no extra raises its usual error."""
    done = without(tmp_path, ("orjson",), "-c", "from logferry.stores import SCHEMA")
    assert "ModuleNotFoundError: No module named 'orjson'" in done.stderr
