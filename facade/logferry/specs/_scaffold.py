"""Writes a package for a service from outside: spec, client, a walk and a normalizer to fill in, a fake, tests."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import frozen
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from logferry._accounts.registry import NAME, SERVICES
from logferry._errors import InvalidRequestError
from logferry._redaction import printable
from logferry.specs._document import dumped, load
from logferry.specs._generation import banner, files, format_folder, replace, write_client
from logferry.specs._plan import plan_of
from logferry.specs._selection import selected

_TEMPLATES: Final = Path(__file__).with_name("scaffold")


@frozen
class New:
    """
    What ``new`` wrote.

    Attributes:
        folder: The folder of the project.
        written: Its files, below the folder, sorted.
        to_do: What a person has to look at, in one line each.
    """

    folder: Path
    written: tuple[str, ...]
    to_do: tuple[str, ...]


def new(name: str, spec: str | Path, operation: str, *, output: str | Path | None = None) -> New:
    """
    Write a package that brings the logs of another service home.

    Args:
        name: The service's name: lower-case letters and digits.
        spec: An OpenAPI 3 document, in YAML or JSON.
        operation: The operation that lists entries, by ``operationId`` or by method and path (``GET /logs``).
        output: The folder of the project, which must not exist.  Default: ``logferry-NAME`` in the working directory.

    Raises:
        InvalidRequestError: The name is taken or does not fit, the folder exists, or the document cannot be generated.
        MissingPackageError: The extra ``logferry[specs]`` is missing.
    """
    if not NAME.fullmatch(name):
        raise InvalidRequestError(f"{printable(name)} is no name of a service", hint="Lower-case letters and digits")
    if name in {one.name for one in SERVICES}:
        raise InvalidRequestError(f"logferry has a service {name} of its own", hint="Choose another name")
    folder = Path(output or f"logferry-{name}")
    if folder.exists():
        raise InvalidRequestError(f"{folder} exists", hint="Name another folder with --output")
    document = selected(load(spec), [operation])
    with TemporaryDirectory(prefix="logferry-") as scratch:
        fresh = Path(scratch, "project")
        package = fresh / f"logferry_{name}"
        package.mkdir(parents=True)
        client = package / "generated"
        data = write_client(document, client, banner=banner(printable(Path(spec).name)), field_prefix="field_")
        plan = plan_of(name, document, data)
        for template, place in _targets(name).items():
            target = fresh / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_environment().get_template(template).render(plan=plan), encoding="utf-8")
        for marker in (package / "py.typed", client / "py.typed"):
            marker.touch()
        (fresh / "spec").mkdir()
        (fresh / "spec/openapi.json").write_text(dumped(document), encoding="utf-8")
        format_folder(fresh)
        written = tuple(sorted(files(fresh)))
        replace(fresh, folder)
    return New(folder, written, tuple(plan.to_do))


def _targets(name: str) -> dict[str, str]:
    """Where each template is written to."""
    package = f"logferry_{name}"
    modules = ("__init__", "client", "stream", "records", "fake")
    return {
        "pyproject.toml.jinja": "pyproject.toml",
        "README.md.jinja": "README.md",
        "tests/test_service.py.jinja": f"tests/test_{name}.py",
        **{f"package/{one}.py.jinja": f"{package}/{one}.py" for one in modules},
    }


def _environment() -> Environment:
    environment = Environment(  # noqa: S701  # writes Python, not HTML: texts of a spec go through literal
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["literal"] = _literal
    return environment


def _literal(value: Any) -> str:
    """A text as a Python literal, in ASCII."""
    return json.dumps(str(value))
