"""
OpenAPI specs: generate clients of them, and see what changes in them.

``generate`` makes a client package of a spec, ``diff`` says what changed between two specs and whom it breaks, ``drift``
compares recorded traffic with a spec, and ``check`` a vendor's spec with ours.  ``load`` reads a spec.

A spec is data from outside: what it holds becomes neither code nor the name of a file outside the output folder.

It needs the extra ``logferry[specs]``.
"""

from typing import TYPE_CHECKING

from logferry._extras import needing
from logferry._lazy import lazy_names

if TYPE_CHECKING:
    from logferry.specs._changes import Change, Difference
    from logferry.specs._check import Accepted, Checked, check
    from logferry.specs._diff import diff
    from logferry.specs._document import load
    from logferry.specs._drift import Drift, Sighting, drift
    from logferry.specs._generation import Generated, generate
    from logferry.specs._scaffold import New, new

_HOMES = {
    "_changes": "Change Difference",
    "_check": "Accepted Checked check",
    "_diff": "diff",
    "_document": "load",
    "_drift": "Drift Sighting drift",
    "_generation": "Generated generate",
    "_scaffold": "New new",
}

__all__ = [
    "Accepted",
    "Change",
    "Checked",
    "Difference",
    "Drift",
    "Generated",
    "New",
    "Sighting",
    "check",
    "diff",
    "drift",
    "generate",
    "load",
    "new",
]

if not TYPE_CHECKING:
    _find, __dir__ = lazy_names(globals(), _HOMES)

    def __getattr__(name: str) -> object:
        with needing("logferry.specs", extra="specs"):
            return _find(name)
