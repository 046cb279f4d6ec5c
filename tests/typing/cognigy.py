"""Cognigy as users' type checkers see it; never run, only checked by mypy and pyright in strict mode."""

from __future__ import annotations

from typing import assert_type

from logferry import Cognigy, Stream
from logferry_clients.cognigy.models import LogEntry
from logferry_clients.cognigy.models.log_level import LogLevel
from logferry_clients.cognigy.types import Unset

cognigy = Cognigy(base_url="https://api-trial.cognigy.ai/new", api_key="k", type_brackets=True)
stream = cognigy.project_logs(project_id="64f0c0ffee64f0c0ffee64f0", type_=["error", "warn"], since="1h")

assert_type(stream, Stream[LogEntry])
for entry in stream:
    assert_type(entry.id, str)
    assert_type(entry.type_, LogLevel | str | Unset)

cognigy.project_logs(type_=["grave"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
cognigy.project_logs(flow=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Cognigy(project=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
