"""The import rules of README's section "How it is built"."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, Literal, TypeAlias

import pytest

Kind: TypeAlias = Literal["import", "late", "typing"]
"""At the top of a module; within a function, at its call; for type checkers only."""

KINDS: Final[tuple[Kind, ...]] = ("import", "late", "typing")

PACKAGE: Final = Path(__file__).parents[1] / "facade/logferry"
GROUND: Final = ("_errors", "_extras", "_forks", "_json", "_lazy", "_redaction", "_version")
CORE: Final = (
    "_time",
    "_http",
    "_config",
    "_flow",
    "_records",
    "_tables",
    "_paging",
    "_concurrency",
    "_streams",
    "_accounts",
    "_ferry",
)
SERVICES: Final = ("services.cognigy", "services.daily", "services.logto", "services.signalwire")
TOP: Final = 13
"""The highest allowed floor: a room is one floor above the highest room it imports; a wing is one room."""
LONGEST: Final = 300
"""The most lines of a module."""


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        yield name.removesuffix("__init__").removesuffix("."), path


MODULES: Final = dict(_modules())
"""Paths by the module name below ``logferry``; the package itself is ``""``."""


def _kind(node: ast.AST, kind: Kind) -> Kind:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and kind == "import":
        return "late"
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return "typing"
    return kind


def _imported(node: ast.AST, kind: Kind) -> Iterator[tuple[str, Kind]]:
    """Yield the dotted names that a node imports, with the kind of import."""
    match node:
        case ast.Import():
            for alias in node.names:
                yield alias.name, kind
        case ast.ImportFrom(module=str(module)):
            for alias in node.names:
                yield f"{module}.{alias.name}", kind
        case _:
            # An import is a statement, so expressions, most of a tree, are not searched.
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, ast.expr):
                    yield from _imported(child, _kind(node, kind))


def _module_of(name: str) -> str | None:
    """Return the module below ``logferry`` that has a dotted name; ``None`` for other packages."""
    if name.partition(".")[0] != "logferry":
        return None
    inner = name.removeprefix("logferry").removeprefix(".")
    while inner not in MODULES:
        inner = inner.rpartition(".")[0]
    return inner


@cache
def imports(name: str) -> tuple[tuple[str, Kind], ...]:
    """Return the dotted names that a module imports."""
    return tuple(dict.fromkeys(_imported(ast.parse(MODULES[name].read_bytes()), "import")))


@cache
def inner(name: str, *kinds: Kind) -> frozenset[str]:
    """Return the modules of logferry that a module imports."""
    found = {_module_of(imported) for imported, kind in imports(name) if kind in (kinds or KINDS)}
    return frozenset(module for module in found if module is not None and module != name)


def room(name: str) -> str:
    """Return the room of a module: its wing, its service's folder or itself; ``__main__`` is of the command."""
    parts = name.split(".")
    if parts[0] == "services" and len(parts) > 1:
        return ".".join(parts[:2])
    return "cli" if name == "__main__" else parts[0]


def below(*prefixes: str) -> set[str]:
    """Return the modules of rooms, given by name or by a prefix and a dot."""
    return {name for name in MODULES if any(name == one or name.startswith(f"{one}.") for one in prefixes)}


def forbidden(importers: AbstractSet[str], imported: AbstractSet[str], *kinds: Kind) -> Iterator[str]:
    """Return the imports from one set of modules to another, as readable lines."""
    for name in importers:
        for other in inner(name, *kinds) & imported:
            yield f"{name} imports {other}"


def outside(importers: AbstractSet[str], *packages: str) -> Iterator[str]:
    """Return the modules outside some rooms that import one of these packages."""
    for name in importers:
        for imported, _ in imports(name):
            if imported.partition(".")[0] in packages:
                yield f"{name} imports {imported}"


def rooms() -> Mapping[str, set[str]]:
    """Return the rooms that each room imports, at once or later."""
    graph: dict[str, set[str]] = {}
    for name in MODULES:
        graph.setdefault(room(name), set()).update(room(other) for other in inner(name, "import", "late"))
    return {one: others - {one} for one, others in graph.items()}


def _ground() -> Iterator[str]:
    """Errors, JSON and redaction import nothing of logferry but each other; times and records stand on them alone."""
    ground = below(*GROUND)
    every = set(MODULES)
    yield from forbidden(ground, every - ground)
    yield from forbidden(below("_time"), every - ground - below("_time"))
    yield from forbidden(below("_records"), every - ground - below("_time", "_records"))


def _http() -> Iterator[str]:
    """Only the HTTP wing and the test kit import HTTP libraries, and the HTTP wing imports no flow."""
    http = below("_http")
    yield from outside(set(MODULES) - http - below("testing"), "httpx", "httpcore", "pyreqwest", "ssl")
    higher = ("_flow", "_paging", "_concurrency", "_streams", "_accounts", "_ferry", "_client", "services", "stores")
    yield from forbidden(http, below(*higher, "sync", "cli"))


def _pure() -> Iterator[str]:
    """Flows and paging do no I/O and import no service, client or stream."""
    pure = below("_flow", "_paging")
    known = ("services", "_client", "_streams", "_accounts", "_ferry", "stores", "sync", "cli", "testing")
    yield from forbidden(pure, below(*known))
    yield from outside(pure, "socket", "select", "subprocess", "anyio")


def _streams() -> Iterator[str]:
    """Only streams import the concurrency wing, and streams import no client, account or service."""
    yield from forbidden(set(MODULES) - below("_streams", "_concurrency"), below("_concurrency"))
    yield from forbidden(below("_streams", "_concurrency"), below("_client", "_accounts", "services", "_ferry"))


def _services() -> Iterator[str]:
    """A service imports only ``logferry.extend`` and itself from logferry, and never another service."""
    for service in SERVICES:
        yield from forbidden(below(service), set(MODULES) - below(service) - {"extend"})


def _product() -> Iterator[str]:
    """Stores do not import sync, neither imports the command, and the product does not import the test kit."""
    yield from forbidden(below("stores"), below("sync", "cli"))
    yield from forbidden(below("sync"), below("cli"))
    yield from forbidden(set(MODULES) - below("testing", "cli._demo", "cli._simulate"), below("testing"))


def _specs() -> Iterator[str]:
    """Only the command imports specs, which import the ground and the names of streams; other packages of it are there alone."""
    specs = below("specs")
    yield from forbidden(set(MODULES) - specs - below("cli"), specs)
    yield from forbidden(specs, set(MODULES) - specs - below(*GROUND, "_accounts", "_streams"))
    yield from outside(set(MODULES) - specs, "openapi_python_client", "yaml", "referencing")


RULES: Final = (_ground, _http, _pure, _streams, _services, _product, _specs)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.strip("_"))
def test_imports_follow_the_rule(rule: Callable[[], Iterator[str]]) -> None:
    """Each wing follows its import rule."""
    broken = sorted(rule())
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


def test_imports_have_no_cycle() -> None:
    """Neither a module nor a wing imports itself through others, late imports included."""
    try:
        TopologicalSorter({name: inner(name, "import", "late") for name in MODULES}).prepare()
        TopologicalSorter(rooms()).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_the_number_of_floors_is_bounded() -> None:
    """The longest chain of imports between rooms has at most the allowed number of floors."""
    graph = rooms()
    floors: dict[str, int] = {}
    for one in TopologicalSorter(graph).static_order():
        floors[one] = 1 + max((floors[other] for other in graph[one]), default=0)
    assert max(floors.values()) <= TOP


def test_modules_are_short() -> None:
    """No module has more lines than allowed."""
    lines = {name: path.read_bytes().count(b"\n") for name, path in MODULES.items()}
    assert {name for name, number in lines.items() if number > LONGEST} == set()


def test_a_wing_has_only_a_docstring() -> None:
    """The ``__init__`` of a private wing describes the wing and contains no code."""
    private = [name for name in CORE if name in MODULES] + [
        name for name, path in MODULES.items() if path.name == "__init__.py" and name.startswith("cli._")
    ]
    bodies = {name: ast.parse(MODULES[name].read_bytes()).body for name in private}
    assert [name for name, body in bodies.items() if len(body) != 1 or not isinstance(body[0], ast.Expr)] == []
