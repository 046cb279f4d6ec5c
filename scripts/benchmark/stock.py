"""The stock client of openapi-python-client, generated from the same specs, without the project's templates."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmark.loops import authorization
from benchmark.paging import PAGING, Plain

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "stock"

_OPERATIONS: Final = {
    "daily.session_logs": "logs.list_logs",
    "daily.api_logs": "logs.list_api_logs",
    "signalwire.video_logs": "video_logs.list_video_logs",
    "logto.audit_logs": "audit_logs.list_audit_logs",
    "cognigy.project_logs": "logs.list_log_entries",
}
_NAMES: Final = {
    "mtgSessionId": "mtg_session_id",
    "startDate": "start_date",
    "endDate": "end_date",
    "next": "next_",
}
"""The generator's names of parameters, by their names on the wire."""


def generate() -> None:
    """Generate the clients into the build folder, unless they exist."""
    for spec in sorted((ROOT / "specs").glob("*/openapi.yaml")):
        client = FOLDER / f"stock_{spec.parent.name}"
        if not client.exists():
            FOLDER.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
            command += ["--path", str(spec), "--output-path", str(client)]
            command += ["--config", str(spec.with_name("generator.yaml"))]
            try:
                subprocess.run(command, capture_output=True, check=True)
            except subprocess.CalledProcessError:
                shutil.rmtree(client, ignore_errors=True)
                raise


def stock(plain: Plain) -> int:
    """Models of the stock client, by ``sync_detailed``; none of their fields is read."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    service = f"stock_{plain.stream.partition('.')[0]}"
    operation = import_module(f"{service}.api.{_OPERATIONS[plain.stream]}")
    client = import_module(f"{service}.client").Client(base_url=plain.url, headers=authorization(plain))
    _, following, member = PAGING[plain.stream]
    count = 0
    with client:
        params: dict[str, Any] | None = plain.params
        while params is not None:
            body = _asked(operation.sync_detailed, client, plain, params)
            models: list[Any] = getattr(body, member) if member else body
            for _model in models:
                count += 1
            params = following(params, *_as_json(plain, body, models))
    return count


def _asked(ask: Callable[..., Any], client: Any, plain: Plain, params: dict[str, Any]) -> Any:
    given = {_NAMES.get(name, name): value for name, value in params.items()}
    if plain.stream == "cognigy.project_logs":
        given["project_id"] = plain.path.split("/")[3]
    if "include_deleted" in given:
        given["include_deleted"] = True
    return ask(client=client, **given).parsed


def _as_json(plain: Plain, body: Any, models: list[Any]) -> tuple[Any, list[Any]]:
    """Return the part of a page that the paging of a loop reads."""
    match plain.stream:
        case "signalwire.video_logs":
            return {"links": {"next": body.links.next_ or None}}, models
        case "cognigy.project_logs":
            return {"nextCursor": body.next_cursor or None}, models
        case "daily.api_logs":
            return body, [{"id": models[-1].id}] if models else []
        case _:
            return body, models
