"""Names that are loaded when they are first used, so that an import costs what a program uses of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def loaded(home: str) -> Any:
    """The value at *home*: a module and a name in it, with a colon between them."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)


def lazy_names(
    namespace: dict[str, Any], homes: Mapping[str, str], moved: Mapping[str, str] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """
    The ``__getattr__`` and ``__dir__`` of a module that loads its names at first use.

    Type checkers must not see the result, since they would take any name for one that exists; they read imports under
    ``TYPE_CHECKING`` instead.

    *namespace* is the module's ``globals()``, and *homes* has the names of each module of its package, separated by blanks.
    *moved* says in the same form where names are that the module had in earlier releases: the error for them says so.
    """
    module, package = namespace["__name__"], namespace["__package__"]
    home_of = {name: f"{package}.{home}" for home, names in homes.items() for name in names.split()}
    moved_to = {name: f"{package}.{home}" for home, names in (moved or {}).items() for name in names.split()}

    def find(name: str) -> object:
        if name in home_of:
            value = namespace[name] = loaded(f"{home_of[name]}:{name}")
            return value
        where = f"; it is in {moved_to[name]}" if name in moved_to else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{where}", name=name)

    def names() -> list[str]:
        return sorted({*namespace, *home_of})

    return find, names
