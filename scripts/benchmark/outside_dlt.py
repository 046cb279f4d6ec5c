"""dlt's RESTClient: untyped dicts, page by page; runs in dlt's own environment."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmark.outside_process import authorization, run
from benchmark.paging import PAGING, Plain

_CLIENT: Any = import_module("dlt.sources.helpers.rest_client")
_PAGINATORS: Any = import_module("dlt.sources.helpers.rest_client.paginators")


def _paginator(plain: Plain) -> Any:
    """A paginator of dlt that uses the paging of the hand-written loop."""
    _, following, _ = PAGING[plain.stream]

    class Paginator(_PAGINATORS.BasePaginator):  # type: ignore[misc]  # its class is not known here
        _params: dict[str, Any] | None = plain.params

        def update_state(self, response: Any, data: list[Any] | None = None) -> None:
            assert self._params is not None  # noqa: S101  # for the type checkers
            self._params = following(self._params, response.json(), data or [])
            self._has_next_page = self._params is not None

        def update_request(self, request: Any) -> None:
            request.params = self._params

    return Paginator()


def read(plain: Plain) -> int:
    """Read all records, counted one by one."""
    client = _CLIENT.RESTClient(base_url=plain.url, headers=authorization(plain))
    count = 0
    member = PAGING[plain.stream].member or "$"
    for page in client.paginate(plain.path, params=plain.params, paginator=_paginator(plain), data_selector=member):
        for _item in page:
            count += 1
    return count


run(read)
