"""A Singer tap made with the SDK, which discards its RECORD messages; runs in its own environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any

from benchmark.outside_process import authorization, run
from benchmark.paging import PAGING, Plain

_SDK: Any = import_module("singer_sdk")
_PAGINATION: Any = import_module("singer_sdk.pagination")
_TYPING: Any = import_module("singer_sdk.typing")


def _tap(plain: Plain) -> Any:
    items_of, following, _ = PAGING[plain.stream]

    class Paginator(_PAGINATION.BaseAPIPaginator):  # type: ignore[misc]  # its class is not known here
        def get_next(self, response: Any) -> dict[str, Any] | None:
            body = response.json()
            return following(self.current_value, body, items_of(body))

    class Logs(_SDK.RESTStream):  # type: ignore[misc]  # its class is not known here
        name = "logs"
        path = plain.path
        url_base = plain.url
        schema = _TYPING.PropertiesList(
            _TYPING.Property("id", _TYPING.StringType), additional_properties=True
        ).to_dict()
        count = 0

        @property
        def http_headers(self) -> dict[str, str]:
            return authorization(plain)

        def get_new_paginator(self) -> Any:
            return Paginator(plain.params)

        def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:  # noqa: ARG002  # the SDK's signature
            return dict(next_page_token)

        def parse_response(self, response: Any) -> Iterable[Any]:
            items = items_of(response.json())
            Logs.count += len(items)
            return items

    class Tap(_SDK.Tap):  # type: ignore[misc]  # its class is not known here
        name = "tap-bench"
        config_jsonschema = _TYPING.PropertiesList().to_dict()

        def discover_streams(self) -> list[Any]:
            return [Logs(self)]

    return Tap(config={}), Logs


def read(plain: Plain) -> int:
    """Read all records, each written as a RECORD message."""
    tap, logs = _tap(plain)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # noqa: PTH123
        tap.sync_all()
    count: int = logs.count
    return count


run(read)
