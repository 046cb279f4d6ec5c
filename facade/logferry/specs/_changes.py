"""What changed between two specs, as data, and how it is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final, Literal, TypeAlias

from attrs import asdict, frozen

from logferry._redaction import printable

Effect: TypeAlias = Literal["narrower", "wider", "different", "none"]
"""
What a change does to what is allowed: less, more, something else, or nothing.

Who sends breaks on less, who reads breaks on more, and both on something else.
"""

FORMATS: Final = ("text", "markdown", "json")


@frozen(kw_only=True)
class Change:
    """
    One change.

    Attributes:
        operation: The operation, as ``GET /api/logs``; an empty text for what concerns the whole document.
        place: What changed in it, such as ``parameter logKey`` or ``response 200: [].payload.result``.
        what: What changed, in words.
        sends: Whether it breaks who sends requests.
        reads: Whether it breaks who reads responses.
        touches: The names in logferry that it touches: streams, filters, entries, attributes.
    """

    operation: str
    place: str
    what: str
    sends: bool = False
    reads: bool = False
    touches: tuple[str, ...] = ()

    @property
    def breaking(self) -> bool:
        """Whether it breaks anybody."""
        return self.sends or self.reads

    @property
    def where(self) -> str:
        """Operation and place."""
        return ", ".join(filter(None, (self.operation, self.place))) or "the document"

    @property
    def breaks(self) -> str:
        """Whom it breaks, in words."""
        if self.sends and self.reads:
            return "breaks who sends and who reads"
        return "breaks who sends" if self.sends else "breaks who reads" if self.reads else "compatible"


@frozen
class Difference:
    """
    All changes between two specs, breaking ones first.

    Attributes:
        changes: The changes, in the order of the document.
    """

    changes: tuple[Change, ...]

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that break who sends or who reads."""
        return tuple(one for one in self.changes if one.breaking)

    @property
    def compatible(self) -> tuple[Change, ...]:
        """The other changes."""
        return tuple(one for one in self.changes if not one.breaking)

    def formatted(self, form: str) -> str:
        """The changes as ``text``, ``markdown`` or ``json``."""
        return {"json": self.json, "markdown": self.markdown}.get(form, self.text)()

    def text(self) -> str:
        """One line for each change, and one for the names in logferry that it touches."""
        return "\n".join(printable(line) for line in self._lines()) if self.changes else "nothing changed"

    def markdown(self) -> str:
        """A list under a heading for breaking changes, and one for the others."""
        lines: list[str] = []
        for title, changes in (("Breaking", self.breaking), ("Compatible", self.compatible)):
            if changes:
                lines += [f"## {title}", ""]
            for operation, group in groupby(changes, key=lambda one: one.operation):
                lines += [f"### {_code(operation or 'The document')}", ""]
                for one in group:
                    place = f"{_code(one.place)}: " if one.place else ""
                    touched = f" Touches {', '.join(map(_code, one.touches))}." if one.touches else ""
                    lines.append(f"- {place}{_escaped(one.what)} ({one.breaks}).{touched}")
                lines.append("")
        return "\n".join(lines).rstrip() or "Nothing changed."

    def json(self) -> str:
        """An object with ``breaking`` (whether anything breaks) and ``changes``."""
        changes: list[dict[str, Any]] = [{**asdict(one), "breaking": one.breaking} for one in self.changes]
        return json.dumps({"breaking": bool(self.breaking), "changes": changes}, indent=2, ensure_ascii=False)

    def _lines(self) -> Iterator[str]:
        for one in (*self.breaking, *self.compatible):
            yield f"{'BREAKING' if one.breaking else 'ok':8}  {one.where}: {one.what}{f' ({one.breaks})' if one.breaking else ''}"
            if one.touches:
                yield f"{'':10}touches {', '.join(one.touches)}"


def _code(text: str) -> str:
    return f"`{printable(text).replace('`', chr(39))}`"


def _escaped(text: str) -> str:
    return "".join(f"\\{one}" if one in "\\`*_[]<>#|" else one for one in printable(text))
