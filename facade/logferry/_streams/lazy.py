"""The streams of a client, whose code is loaded when one of them is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from logferry._lazy import loaded

if TYPE_CHECKING:
    from logferry._streams.definition import StreamDefinition


class Streams:
    """
    The streams that a client can open: as an attribute of its class, a tuple of ``StreamDefinition``.

    With their models, streams are most of a client's code, and a program may open none of them.

    Args:
        streams: Each a definition, or where it is: a module and a name in it, with a colon between them, such as
            ``"logferry.services.logto._streams:AUDIT_LOGS"``; the module is imported when the attribute is read.
    """

    def __init__(self, *streams: StreamDefinition[Any, Any, Any] | str) -> None:
        self._streams = streams

    def __get__(self, instance: object, owner: type) -> tuple[StreamDefinition[Any, Any, Any], ...]:
        return tuple(loaded(one) if isinstance(one, str) else one for one in self._streams)
