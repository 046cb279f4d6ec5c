"""Packages that only an extra brings: where one is missing, the error names the extra."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from logferry._errors import MissingPackageError

EXTRAS: Final[Mapping[str, str]] = {
    "backports.zstd": "zstd",
    "dlt": "dlt",
    "duckdb": "duckdb",
    "filelock": "parquet",
    "keyring": "keyring",
    "openapi_python_client": "specs",
    "pyarrow": "parquet",
    "pyreqwest": "fast",
    "referencing": "specs",
    "ruff": "specs",
    "uvicorn": "simulate",
    "yaml": "specs",
}
"""The packages by the name of their module, with the smallest extra that brings each."""

DISTRIBUTIONS: Final[Mapping[str, str]] = {"openapi_python_client": "openapi-python-client", "yaml": "pyyaml"}
"""The names of packages that are called otherwise than their module."""


def missing(package: str, what: str, *, extra: str | None = None) -> MissingPackageError:
    """The error that *what* needs a package that *extra* brings; default: the smallest extra that brings it."""
    error = MissingPackageError(
        f"{what} needs the package {DISTRIBUTIONS.get(package, package)}",
        hint=f"pip install 'logferry[{extra or EXTRAS[package]}]'",
    )
    error.name = package
    return error


def require(package: str, what: str) -> None:
    """Raise MissingPackageError where a package is not there; it is not loaded."""
    if find_spec(package) is None:
        raise missing(package, what)


@contextmanager
def needing(what: str, *, extra: str | None = None) -> Generator[None]:
    """
    Make an import that fails for a package of an extra an error that names the extra; other errors stay as they are.

    *extra* brings all that *what* needs; default: the smallest one that brings the package.
    """
    try:
        yield
    except MissingPackageError:
        raise
    except ModuleNotFoundError as error:
        package = _package_of(error.name or "")
        if package is None:
            raise
        raise missing(package, what, extra=extra) from error


def _package_of(module: str) -> str | None:
    """The package of an extra that a module is in; or that is in it, where the module is a namespace such as backports."""
    return next(
        (one for one in EXTRAS if f"{module}.".startswith(f"{one}.") or f"{one}.".startswith(f"{module}.")), None
    )
