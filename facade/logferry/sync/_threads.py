"""Runs the blocking calls of a store in threads, each to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import to_thread

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """
    Run a call in a thread and return its result; a task that is cancelled meanwhile still waits for it.

    One thread at a time uses a store, so the next call must not begin before this one has ended.  A shield alone does
    not hold when asyncio itself cancels the task, as its timeouts do; the task group then waits for its child.
    """
    results: list[T] = []
    failures: list[Exception] = []

    async def run() -> None:
        with anyio.CancelScope(shield=True):
            try:
                results.append(await to_thread.run_sync(call))
            except Exception as error:  # noqa: BLE001  # raised below, without a group around it
                failures.append(error)

    try:
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
    finally:
        if failures:  # a failure takes precedence over the cancellation
            raise failures[0]
    return results[0]
