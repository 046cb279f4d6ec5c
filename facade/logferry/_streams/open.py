"""Opening a stream: the caller's arguments are checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from attrs import AttrsInstance, asdict, evolve

from logferry._concurrency.position import is_outdated
from logferry._concurrency.reader import Reader
from logferry._config.arguments import StreamOptions, refuse_unknown, require_count
from logferry._errors import CheckpointError, InvalidRequestError
from logferry._flow.steps import Flow, Position
from logferry._streams.checkpoint import Checkpoint, kind_of, read_checkpoint
from logferry._streams.definition import StreamDefinition
from logferry._streams.matching import checks_of, matching
from logferry._streams.plan import Plan, Runtime, as_given
from logferry._streams.views import Stream
from logferry._time.window import Window

E = TypeVar("E")
F = TypeVar("F", bound=AttrsInstance)


def opened(definition: StreamDefinition[E, Any, F], filters: F, options: StreamOptions, runtime: Runtime) -> Stream[E]:
    """A stream of an account; InvalidRequestError for a call that cannot be right, CheckpointError for another call's ``resume``."""
    refuse_unknown(options, (one.name for one in definition.filter_list), StreamOptions)
    given = _given(filters)
    since, until, resume = options.get("since"), options.get("until"), options.get("resume")
    page_size, max_items = options.get("page_size"), options.get("max_items")
    _check(definition, given, page_size, max_items)
    checkpoint = None
    if resume is not None:
        checkpoint = read_checkpoint(resume)
        checkpoint.belongs_to(stream=definition.name, filters=given, asked=as_given(since, until))
        filters = _resumed(definition, checkpoint)
        given = _given(filters)
    if definition.needs_one_of and given.keys().isdisjoint(definition.needs_one_of):
        sessions = definition.incremental.sessions
        found = "" if sessions is None else f"; {sessions.stream} lists what there is"
        raise InvalidRequestError(
            f"{definition.name} needs {' or '.join(definition.needs_one_of)}",
            hint=f"The service requires one of them (in the shell: --filter {definition.needs_one_of[0]}=...){found}",
        )
    if definition.tenant_filter:
        runtime = evolve(runtime, tenant=given.get(definition.tenant_filter))
    checks = checks_of(definition, filters)
    reader = Reader(
        walk=partial(definition.walk, filters),
        order=definition.order,
        resolution=definition.resolution,
        page_size=page_size or definition.page_size,
        concurrency=runtime.options.concurrency,
        sift=partial(matching, checks=checks) if checks else None,
        forward=None if definition.forward is None else partial(definition.forward.walk, filters),
    )
    plan = Plan(
        stream=definition.name,
        definition=definition,
        reader=reader,
        filters=given,
        since=since,
        until=until,
        max_items=max_items,
        resume=checkpoint,
        strict=options.get("strict", False),
        runtime=runtime,
    )
    plan.beginning()  # a window that cannot be is an error here, though it is pinned later
    return Stream(plan)


def _check(
    definition: StreamDefinition[Any, Any, Any],
    given: Mapping[str, Any],
    page_size: int | None,
    max_items: int | None,
) -> None:
    """Raise InvalidRequestError for filters and counts that cannot be right."""
    for name, value in given.items():
        if isinstance(value, str) and (not value or not value.isprintable()):
            raise InvalidRequestError(
                f"{definition.name}: {name} is empty, or holds a character that cannot be sent",
                hint="Leave the filter out",
            )
    for one in definition.filter_list:
        value = given.get(one.name)
        try:
            if value is not None:
                one.check(value)
        except ValueError as error:
            hint = f"Give a list, such as {[one.choices[0]]}" if one.several and isinstance(value, str) else None
            raise InvalidRequestError(
                f"{definition.name}: {one.name} cannot be {value!r}: {error}", hint=hint
            ) from error
    if page_size is not None:
        largest = definition.largest_page_size
        require_count("page_size", page_size, InvalidRequestError)
        if page_size < 1 or (largest is not None and page_size > largest):
            bounds = "at least 1" if largest is None else f"from 1 to {largest}"
            raise InvalidRequestError(f"{definition.name}: page_size is {page_size}, it must be {bounds}")
    if max_items is not None:
        require_count("max_items", max_items, InvalidRequestError)


def _resumed(definition: StreamDefinition[Any, Any, F], checkpoint: Checkpoint) -> F:
    """
    The filters of a checkpoint whose position the stream's flow understands.

    A digest keeps damage away, not a checkpoint that was made up or comes from another release.
    """
    if is_outdated(checkpoint.position):
        raise CheckpointError(
            "the checkpoint is of an earlier version of logferry, which read several pages at once in another way",
            hint="Start again without it",
        )
    try:
        filters = definition.filters(**checkpoint.filters)
        walk: Callable[[int, Window, Position | None], Flow] = partial(definition.walk, filters)
        kind = kind_of(checkpoint.position)
        if kind == "follow":
            from logferry._streams.follow import Follow  # noqa: PLC0415  # most programs follow nothing

            walk = Follow(walk=walk, definition=definition)
        if kind == "onward" and definition.forward is not None:
            from logferry._streams.onward import Onward  # noqa: PLC0415  # most programs read nothing so

            walk = Onward(partial(definition.forward.walk, filters))
        reader = Reader(walk=walk, order=definition.order, resolution=None, page_size=definition.page_size)
        flow = reader.read(checkpoint.window, checkpoint.position)
        # Its first step sends nothing: a driver would.
        next(flow, None)
        flow.close()
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise CheckpointError("the checkpoint is damaged", hint="Start again without it") from error
    return filters


def _given(filters: AttrsInstance) -> dict[str, Any]:
    return {name: value for name, value in asdict(filters).items() if value is not None}
