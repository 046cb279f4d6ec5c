"""
Generate logferry_clients from specs/<service>/openapi.yaml, and print what changed in the specs.

With --check, change nothing and only list the files that differ.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from logferry import LogferryError
from logferry.specs import diff, load
from logferry.specs._check import ACCEPTED, read_accepted
from logferry.specs._generation import SPEC, banner, files, replace, write_client

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "logferry_clients"


def main() -> int:
    """Generate into a fresh folder, then replace the package with it, or compare both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the package differs")
    parser.add_argument("--specs", type=Path, default=ROOT / "specs", help="the folder of the specs")
    parser.add_argument("--output", type=Path, default=ROOT / "generated", help=f"the folder that holds {PACKAGE}")
    arguments = parser.parse_args()
    require_pinned("openapi-python-client", "ruff")
    # Outside of the checkout, because ruff skips folders that git ignores.
    with TemporaryDirectory(prefix="regenerate-") as scratch:
        fresh = Path(scratch) / PACKAGE
        generate(arguments.specs.resolve(), fresh)
        expected, found = files(fresh.parent), files(arguments.output)
        if not arguments.check:
            tell_changes(fresh, arguments.output / PACKAGE)
            replace(fresh, arguments.output / PACKAGE)
    differences = list_differences(expected, found)
    for difference in differences:
        print(difference)
    if arguments.check and differences:
        print("The generated package differs from what the specs generate: run scripts/regenerate.", file=sys.stderr)
    return 1 if arguments.check and differences else 0


def require_pinned(*tools: str) -> None:
    """Stop unless the installed tools are the pinned ones: their output differs from version to version."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    pins = dict(entry.split("==") for entry in groups["development"] if "==" in entry)
    for tool in tools:
        if tool not in pins:
            sys.exit(f"pyproject.toml does not pin {tool}: pin it in the group development")
        try:
            installed = version(tool)
        except PackageNotFoundError:
            installed = "none"
        if installed != pins[tool]:
            sys.exit(
                f"{tool} {pins[tool]} is pinned, installed is {installed}: remove .venv, and run scripts/regenerate again"
            )


def generate(specs: Path, package: Path) -> None:
    """Generate the whole package, one client for each service."""
    services = sorted(spec.parent.name for spec in specs.glob("*/openapi.yaml"))
    if not services:
        sys.exit(f"{specs} has no spec")
    package.mkdir()
    names = ", ".join(services)
    (package / "__init__.py").write_text(
        f'{banner_of("specs")}"""The generated clients, one package for each service: {names}."""\n', encoding="utf-8"
    )
    (package / "py.typed").touch()
    for service in services:
        spec = specs / service / "openapi.yaml"
        try:
            write_client(
                load(spec),
                package / service,
                banner=banner_of(f"specs/{service}/openapi.yaml"),
                **settings(spec.parent),
            )
            accepted = spec.with_name(ACCEPTED)
            if accepted.exists():
                read_accepted(accepted.read_text(encoding="utf-8"), str(accepted))
                shutil.copyfile(accepted, package / service / ACCEPTED)
        except LogferryError as error:
            sys.exit(f"{spec} was not generated: {error}")


def settings(folder: Path) -> dict[str, Any]:
    """The settings of one service that differ from the defaults."""
    own = folder / "generator.yaml"
    given: dict[str, Any] = yaml.safe_load(own.read_text(encoding="utf-8")) if own.exists() else {}
    return {"field_prefix": "field_", **given}


def banner_of(origin: str) -> str:
    """The first line of the modules."""
    return banner(origin, command="scripts/regenerate", what="the spec, a template or the generator's configuration")


def tell_changes(fresh: Path, package: Path) -> None:
    """Print what changed in the specs since the package was generated before."""
    for folder in sorted(one for one in fresh.iterdir() if one.is_dir()):
        old = package / folder.name / SPEC
        if not old.exists():
            print(f"{folder.name}: new")
            continue
        difference = diff(load(old), load(folder / SPEC), service=folder.name)
        if difference.changes:
            print(f"{folder.name}:\n{difference.text()}")


def list_differences(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> list[str]:
    """List files that differ from the generated ones, are missing, or are superfluous."""
    differences: list[str] = []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            differences.append(f"missing: {name}")
        elif name not in expected:
            differences.append(f"stray:   {name}")
        elif expected[name] != found[name]:
            differences.append(f"differs: {name}")
    return differences


if __name__ == "__main__":
    sys.exit(main())
