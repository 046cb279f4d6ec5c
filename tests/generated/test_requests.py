"""The generated request builders, and the standalone client."""

from __future__ import annotations

from typing import Any

import attrs
import httpx
import pytest
from logferry_clients.logto.api.audit_logs import get_audit_log, list_audit_logs
from logferry_clients.logto.api.tokens import create_access_token
from logferry_clients.logto.client import AuthenticatedClient, Client
from logferry_clients.logto.errors import UnexpectedStatus
from logferry_clients.logto.models import AccessToken, AuditLog, ErrorBody

BASE_URL = "https://acme.logto.app"


def client_of(response: httpx.Response, seen: list[httpx.Request] | None = None) -> AuthenticatedClient:
    """Return a client whose server always gives this answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return response

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url=BASE_URL)
    return AuthenticatedClient(base_url=BASE_URL, token="s3cret").set_httpx_client(http)


def test_a_request_has_strings() -> None:
    """Values are sent as strings, booleans in lower case."""
    request = list_audit_logs.request(user_id="ü &", start_time=1795164426496, enable_cap=True, page=2, page_size=100)
    assert (request.method, request.path, request.headers, request.form) == ("GET", "/api/logs", (), None)
    assert request.params == (
        ("userId", "ü &"),
        ("start_time", "1795164426496"),
        ("enableCap", "true"),
        ("page", "2"),
        ("page_size", "100"),
    )


def test_a_request_sends_no_defaults() -> None:
    """An argument that is not given is not sent."""
    assert list_audit_logs.request().params == ()
    assert list_audit_logs.request(page=None).params == ()


def test_a_path_parameter_is_quoted() -> None:
    """An id cannot leave its segment of the path."""
    assert get_audit_log.request(id="a/b?c#d").path == "/api/logs/a%2Fb%3Fc%23d"


@pytest.mark.parametrize("id_", ["", ".", ".."])
def test_a_path_parameter_cannot_address_another_resource(id_: str) -> None:
    """An id that URL normalization would remove is refused."""
    with pytest.raises(ValueError, match="cannot be part of a path"):
        get_audit_log.request(id=id_)


def test_a_token_request_is_a_form() -> None:
    """The token request is a form of its values."""
    request = create_access_token.request(
        grant_type="client_credentials", resource="https://default.logto.app/api", scope="all"
    )
    assert (request.method, request.path, request.params) == ("POST", "/oidc/token", ())
    assert request.form == (
        ("grant_type", "client_credentials"),
        ("resource", "https://default.logto.app/api"),
        ("scope", "all"),
    )


def test_a_request_decodes_its_answer(page_example: list[dict[str, Any]]) -> None:
    """A request turns the decoded answer into models."""
    logs = list_audit_logs.request().parse(page_example)
    assert logs == [AuditLog.from_dict(log) for log in page_example]
    token = create_access_token.request(grant_type="client_credentials").parse(
        {"access_token": "s3cret", "expires_in": 3600, "token_type": "Bearer"}
    )
    assert token == AccessToken(access_token="s3cret", expires_in=3600, token_type="Bearer")


def test_a_request_is_immutable() -> None:
    """A built request cannot be changed."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        list_audit_logs.request().path = "/"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_the_client_returns_models(page_example: list[dict[str, Any]]) -> None:
    """The generated client works without logferry."""
    seen: list[httpx.Request] = []
    client = client_of(httpx.Response(200, json=page_example, headers={"Total-Number": "1"}), seen)
    response = list_audit_logs.sync_detailed(client=client, page_size=5)
    assert str(seen[0].url) == f"{BASE_URL}/api/logs?page_size=5"
    assert (response.status_code, response.headers["total-number"]) == (200, "1")
    assert response.parsed == [AuditLog.from_dict(log) for log in page_example]


def test_the_client_returns_documented_errors() -> None:
    """A documented error status is a model of its body."""
    client = client_of(httpx.Response(401, json={"code": "auth.unauthorized", "message": "No."}))
    response = list_audit_logs.sync_detailed(client=client)
    assert (response.status_code, response.parsed) == (401, ErrorBody(code="auth.unauthorized", message="No."))


@pytest.mark.parametrize("status", [304, 418, 502, 520, 599])
def test_the_client_raises_other_statuses(status: int) -> None:
    """Any other status raises, also one without a name in HTTP."""
    with pytest.raises(UnexpectedStatus) as raised:
        list_audit_logs.sync_detailed(client=client_of(httpx.Response(status)))
    assert raised.value.status_code == status


def test_the_client_can_return_other_statuses() -> None:
    """Without raising, such a status is returned without a model."""
    client = attrs.evolve(client_of(httpx.Response(520)), raise_on_unexpected_status=False)
    client.set_httpx_client(client_of(httpx.Response(520)).get_httpx_client())
    response = list_audit_logs.sync_detailed(client=client)
    assert (response.status_code, response.parsed) == (520, None)


@pytest.mark.anyio
async def test_the_client_is_async_too(page_example: list[dict[str, Any]]) -> None:
    """The asynchronous functions give the same results."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=page_example))
    client = AuthenticatedClient(base_url=BASE_URL, token="s3cret")
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
        client.set_async_httpx_client(http)
        logs = await list_audit_logs.asyncio(client=client)
    assert logs == [AuditLog.from_dict(log) for log in page_example]


def test_no_secret_is_in_a_repr() -> None:
    """The token, headers, cookies and further arguments of a client are not in its repr, also after use."""
    client = AuthenticatedClient(
        base_url=BASE_URL,
        token="s3cret-1",
        headers={"X": "s3cret-2"},
        cookies={"c": "s3cret-3"},
        httpx_args={"auth": ("id", "s3cret-4")},
    )
    with client.get_httpx_client():
        assert "s3cret" not in repr(client)
    assert "s3cret" not in repr(Client(base_url=BASE_URL, headers={"Authorization": "s3cret"}))
