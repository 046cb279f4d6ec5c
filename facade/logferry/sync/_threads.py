"""Calls of a store, which block: each in a thread, and waited for to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import to_thread

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """
    What a call gives, made in a thread; a task that is cancelled meanwhile waits for it.

    A store is used by one thread at a time, so the next call must not begin before this one has ended.  A shield alone
    holds only until asyncio itself cancels the task, as its timeouts do; then the task group waits for its child.
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
        if failures:  # which counts for more than being cancelled
            raise failures[0]
    return results[0]
