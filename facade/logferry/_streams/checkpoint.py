"""Checkpoints: what resumes a stream in another process, as one JSON text without secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from logferry._errors import CheckpointError
from logferry._flow.steps import Position
from logferry._json import is_object
from logferry._redaction import short
from logferry._time.timestamps import LAST, unix_nano
from logferry._time.window import Window

_VERSION: Final = 1
_START_AGAIN: Final = "Start again without it"

FOLLOW: Final = "follow"
"""A position that has this name is that of a follow."""


ONWARD: Final = "onward"
"""A position that has this name is that of a walk forward from a cursor."""

Kind: TypeAlias = Literal["pull", "follow", "onward"]
"""How a stream is read: a window once, without an end, or forward from a cursor."""


def kind_of(position: Position) -> Kind:
    """How the stream of a position is read."""
    if is_follow(position):
        return "follow"
    return "onward" if is_object(position) and ONWARD in position else "pull"


def is_follow(position: Position | None) -> bool:
    """Whether a position is that of a follow, not of a walk that ends."""
    return isinstance(position, dict) and FOLLOW in position


@frozen(kw_only=True)
class Checkpoint:
    """
    Where a stream resumes, and the call that it belongs to.

    *filters* are by their Python names.  *asked* are ``since`` and ``until`` as the caller gave them, so that the same call
    can be recognised; *window* is pinned.  Only the stream's flow understands the *position*.
    """

    stream: str
    filters: Mapping[str, Any] = field(repr=short)
    asked: tuple[str | None, str | None]
    window: Window
    position: Position = field(repr=False)

    def to_text(self) -> str:
        """The checkpoint as JSON text."""
        fields = {
            "logferry": _VERSION,
            "stream": self.stream,
            "filters": dict(self.filters),
            "asked": list(self.asked),
            "window": [self.window.since, self.window.until],
            "position": self.position,
        }
        return _dumps(fields | {"digest": _digest(fields)})

    def belongs_to(self, *, stream: str, filters: Mapping[str, Any], asked: tuple[str | None, str | None]) -> None:
        """Raise CheckpointError where a call names another stream, filter or window; what it leaves out is the checkpoint's."""
        if stream != self.stream:
            raise CheckpointError(f"the checkpoint belongs to {self.stream}, not to {stream}", hint=_START_AGAIN)
        if filters and filters != self.filters:
            raise CheckpointError(
                f"the checkpoint belongs to the filters {_shown(self.filters)}, not to {_shown(filters)}",
                hint=f"Leave the filters out, or {_START_AGAIN.lower()}",
            )
        window = (self.window.since, self.window.until)
        for name, mine, theirs, pinned in zip(("since", "until"), self.asked, asked, window, strict=True):
            if theirs not in (None, mine) and not _is_moment(theirs, pinned):
                raise CheckpointError(
                    f"the checkpoint belongs to another window: {name} was {mine or 'not given'}, now it is {theirs}",
                    hint=f"Leave {name} out, or {_START_AGAIN.lower()}",
                )


def _is_moment(text: str, pinned: int | None) -> bool:
    try:
        return unix_nano(text) == pinned
    except ValueError:
        return False


def _shown(filters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in filters.items()) or "(none)"


def _dumps(fields: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    # Not orjson: moments after the year 2554 take more than 64 bits.
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(_dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that *text* holds; CheckpointError where it is damaged, none at all, or from a newer logferry."""
    try:
        fields = json.loads(text)
        version, digest = fields.pop("logferry"), fields.pop("digest")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise CheckpointError("this is no checkpoint of logferry", hint=_START_AGAIN) from error
    if isinstance(version, int) and version > _VERSION:
        raise CheckpointError("the checkpoint comes from a newer logferry", hint="Update logferry")
    try:
        intact = digest == _digest({"logferry": version, **fields})
        since, until = fields["window"]
        asked_since, asked_until = fields["asked"]
        stream, filters, position = fields["stream"], fields["filters"], fields["position"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError("the checkpoint is damaged", hint=_START_AGAIN) from error
    whole = (
        isinstance(stream, str)
        and is_object(filters)
        and isinstance(asked_since, str | None)
        and isinstance(asked_until, str | None)
        and (since is None or _is_time(since))
        and _is_time(until)
    )
    if not (intact and whole):
        raise CheckpointError("the checkpoint is damaged", hint=_START_AGAIN)
    return Checkpoint(
        stream=stream,
        filters=filters,
        asked=(asked_since, asked_until),
        window=Window(since, until),
        position=position,
    )


def _is_time(nanoseconds: object) -> bool:
    return type(nanoseconds) is int and 0 <= nanoseconds < LAST
