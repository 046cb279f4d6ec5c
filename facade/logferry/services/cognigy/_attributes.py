"""The attributes of Cognigy's records as a table; ``_records`` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from logferry.extend import Attribute

ATTRIBUTES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "cognigy.project_logs": (
        Attribute("cognigy.trace.id", "string", "traceId", "Shared by all entries about one turn of a conversation."),
        Attribute("user.id", "string", "meta.userId", "The user who talked to the flow."),
        Attribute("session.id", "string", "meta.sessionId", "The conversation."),
        Attribute("cognigy.flow.name", "string", "meta.flowName", "The flow."),
        Attribute("cognigy.meta", "object", "meta", "What else the entry says of its circumstances, without secrets."),
        Attribute("cognigy.*", "any", "*", "Any other field of the entry, without secrets."),
    ),
}
"""The attributes of each stream's records, by the stream's name."""
