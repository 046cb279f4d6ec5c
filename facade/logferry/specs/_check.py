"""Compares a vendor's published spec with ours; differences that are accepted are data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from logferry._errors import InvalidRequestError
from logferry.specs._changes import Change, Difference
from logferry.specs._diff import diff
from logferry.specs._document import Document, installed, is_service, load, operations, services

ACCEPTED: Final = "accepted.json"
"""The file beside an installed spec with the differences that are accepted."""


@frozen(kw_only=True)
class Accepted:
    """
    A difference between a vendor's spec and ours that is meant.

    Attributes:
        operation: The operation, as ``GET /logs``; ``*`` stands for any characters.
        place: The place in it, as differences name it; ``*`` stands for any characters.
        what: The difference in words; ``*`` stands for any characters.
        reason: Why ours is right.
        source: Where that is known from.
    """

    operation: str
    place: str
    what: str = "*"
    reason: str
    source: str

    def covers(self, change: Change) -> bool:
        """Whether a change is this difference."""
        pairs = ((change.operation, self.operation), (change.place, self.place), (change.what, self.what))
        return all(re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), text) for text, wanted in pairs)


@frozen
class Checked:
    """
    What ``check`` found.

    Attributes:
        difference: The differences that are not accepted, as changes from our spec to the vendor's.
        accepted: The others, each with the reason.
        unused: Accepted differences that the specs do not have any more.
    """

    difference: Difference
    accepted: tuple[tuple[Change, Accepted], ...]
    unused: tuple[Accepted, ...]


def check(service: str, against: str | Path, *, accepted: Sequence[Accepted] | None = None) -> Checked:
    """
    Compare a vendor's spec with ours, in the operations that ours has.

    Args:
        service: The service.
        against: The vendor's spec: a file of YAML or JSON.
        accepted: Differences that are meant.  Default: those that are installed with the spec.

    Raises:
        InvalidRequestError: There is no such service, or the file is no OpenAPI 3 document.
    """
    if not is_service(service):
        raise InvalidRequestError(f"there is no service {service}", hint=f"Services are {', '.join(services())}")
    ours = installed(service)
    known = accepted_of(service) if accepted is None else tuple(accepted)
    found = diff({**ours, "servers": []}, _shared(ours, load(against)), service=service)
    covered = [(change, one) for change in found.changes for one in known if one.covers(change)]
    changes = {change for change, _ in covered}
    used = {id(one) for _, one in covered}
    return Checked(
        Difference(tuple(one for one in found.changes if one not in changes)),
        tuple({change: (change, one) for change, one in reversed(covered)}.values()),
        tuple(one for one in known if id(one) not in used),
    )


def accepted_of(service: str) -> tuple[Accepted, ...]:
    """The differences that are accepted for a service."""
    place = files("logferry_clients") / service / ACCEPTED
    return read_accepted(place.read_text(encoding="utf-8"), ACCEPTED) if place.is_file() else ()


def accepted_in(path: Path) -> tuple[Accepted, ...]:
    """The differences that a file accepts, see ``read_accepted``."""
    try:
        return read_accepted(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be read: {error.strerror}") from error


def read_accepted(text: str, name: str) -> tuple[Accepted, ...]:
    """
    Read accepted differences from JSON.

    Raises:
        InvalidRequestError: It is no list of objects with operation, place, reason and source.
    """
    try:
        rows: Any = json.loads(text)
        found = tuple(Accepted(**row) for row in rows)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(
            f"{name} is no list of accepted differences",
            hint="Each has operation, place, reason and source, and can have what",
        ) from error
    for one in found:
        if not one.reason.strip() or not one.source.strip():
            raise InvalidRequestError(f"{name}: {one.operation}, {one.place} has no reason, or no source")
    return found


def _shared(ours: Document, theirs: Document) -> Document:
    """Their document with the operations that ours has."""
    mine = {(_bare(path), method) for path, method, _, _ in operations(ours)}
    paths: dict[str, Any] = {}
    for path, method, item, one in operations(theirs):
        if (_bare(path), method) in mine:
            shared = {"parameters": item["parameters"]} if "parameters" in item else {}
            paths.setdefault(path, shared)[method] = one
    return {**theirs, "servers": [], "paths": paths}


def _bare(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
