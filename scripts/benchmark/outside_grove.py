"""A connector for HashiCorp's grove, with its default cache and output; runs in its own environment."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any

from benchmark.outside_process import authorization, run
from benchmark.paging import PAGING, Plain

_CONNECTORS: Any = import_module("grove.connectors")
_CONSTANTS: Any = import_module("grove.constants")
_MODELS: Any = import_module("grove.models")
_REQUESTS: Any = import_module("requests")

_POINTERS = {
    "daily.session_logs": "time",
    "daily.api_logs": "createdAt",
    "signalwire.video_logs": "created_at",
    "logto.audit_logs": "createdAt",
    "cognigy.project_logs": "timestamp",
}


def _connector(plain: Plain) -> Any:
    items_of, following, _ = PAGING[plain.stream]

    class Logs(_CONNECTORS.BaseConnector):  # type: ignore[misc]  # its class is not known here
        CONNECTOR = "bench"
        POINTER_PATH = _POINTERS[plain.stream]
        LOG_ORDER = _CONSTANTS.CHRONOLOGICAL

        def collect(self) -> None:
            self.pointer = ""
            session = _REQUESTS.Session()
            session.headers.update(authorization(plain))
            params: dict[str, Any] | None = plain.params
            while params is not None:
                response = session.get(plain.url + plain.path, params=params)
                response.raise_for_status()
                body = response.json()
                items = items_of(body)
                self.save(items)
                params = following(params, body, items)

    config = _MODELS.ConnectorConfig(
        name="bench", identity="bench", connector="bench", key="bench", outputs={"logs": "raw"}
    )
    return Logs(config, {})


def read(plain: Plain) -> int:
    """Read all records, and write them as grove does."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # noqa: PTH123
        connector = _connector(plain)
        connector.run()
    return sum(connector._saved.values())  # noqa: SLF001  # grove gives the count to its own logger only


run(read)
