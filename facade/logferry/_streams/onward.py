"""Reading forward from a cursor, up to now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from logferry._flow.layers import layer
from logferry._flow.steps import Batch, Flow, Position, SubFlow
from logferry._streams.checkpoint import ONWARD
from logferry._time.timestamps import LAST
from logferry._time.window import Window


@frozen
class Onward:
    """Starts a walk forward whose positions say of which kind they are."""

    walk: Callable[[int, Window, Position | None], Flow]

    def __call__(self, page_size: int, window: Window, position: Position | None) -> Flow:
        """Yield what came since a position, or since the beginning of the window; its end is no bound."""
        walked = None if position is None else position[ONWARD]
        flow = self.walk(page_size, Window(window.since, LAST - 1, looks_twice=False), walked)
        return layer(flow, {Batch: _marked})


def _marked(batch: Batch) -> SubFlow[object]:
    position = batch.position

    def marked(delivered: int) -> Any:
        return {ONWARD: position(delivered)}

    return (yield evolve(batch, position=marked))
