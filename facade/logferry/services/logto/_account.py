"""A Logto account: OAuth 2 client credentials of a machine-to-machine app, or an access token."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from logferry.extend import (
    AuthenticationError,
    Authorizer,
    Refusal,
    client_credentials,
    is_foreign,
    is_object,
    text_in,
)
from logferry_clients.logto.api.tokens import create_access_token

_SELF_HOSTED_RESOURCE: Final = "https://default.logto.app/api"
_CLOUD_DOMAIN: Final = ".logto.app"


def management_api(endpoint: str) -> str:
    """
    The indicator of the Management API, the resource of a token; it is a name, not an address.

    On Logto Cloud it is that of the tenant; on a self-hosted server always that of the tenant ``default``
    (logto-io/logto, packages/api, ``management.ts``).
    """
    host = urlsplit(endpoint).hostname or ""
    return f"{endpoint}/api" if host.endswith(_CLOUD_DOMAIN) else _SELF_HOSTED_RESOURCE


def app_token(*, app_id: str, app_secret: str, resource: str) -> Authorizer:
    """Authorize with tokens for the Management API from the token endpoint, by the credentials of a machine-to-machine app."""
    request = create_access_token.request(grant_type="client_credentials", resource=resource, scope="all")
    return client_credentials(request, client_id=app_id, client_secret=app_secret, read_refusal=_token_refusal)


def _token_refusal(status: int, body: Mapping[str, Any]) -> Refusal:
    """The details of the token endpoint's error body: OAuth's ``error`` and ``error_description``."""
    code, message = text_in(body.get("error")), text_in(body.get("error_description"))
    if code == "invalid_client":
        # Logto repeats an unknown id: after a swap of id and secret, that would show the secret.
        message = "there is no app with this id" if status == HTTPStatus.BAD_REQUEST else message
        hint = "Check LOGTO_APP_ID and LOGTO_APP_SECRET: they must be those of a machine-to-machine app"
        return Refusal(code=code, message=message, hint=hint, error=AuthenticationError)
    if code == "invalid_target":
        hint = "Check LOGTO_RESOURCE: it must be the indicator of the Management API"
        return Refusal(code=code, message=message, hint=hint, error=AuthenticationError)
    return Refusal(code=code, message=message, hint=_address_hint(status, body))


def _address_hint(status: int, body: Mapping[str, Any]) -> str | None:
    """The hint for a response that is not from Logto's API."""
    hint = "Check LOGTO_ENDPOINT: it must be the tenant's address alone, such as https://acme.logto.app"
    return hint if status == HTTPStatus.NOT_FOUND or is_foreign(status, body) else None


_HINTS: Final[Mapping[str, str]] = {
    "ERR_JWT_CLAIM_VALIDATION_FAILED": "The token is for another audience: check LOGTO_RESOURCE",
    "ERR_JWT_EXPIRED": "The token has expired: set a new LOGTO_ACCESS_TOKEN, or LOGTO_APP_ID and LOGTO_APP_SECRET",
    "ERR_JWKS_NO_MATCHING_KEY": "The token comes from another Logto: check LOGTO_ENDPOINT",
    "auth.forbidden": "Give the machine-to-machine app a role with the Management API's permission 'all'",
    "auth.unauthorized": "Check LOGTO_ACCESS_TOKEN, or the app's id and secret, and LOGTO_RESOURCE",
}


def api_refusal(status: int, body: Mapping[str, Any]) -> Refusal:
    """The details of an error body of the API; ``message`` is localized, so ``code`` decides (measured on 1.42.0)."""
    code, data = text_in(body.get("code")), body.get("data")
    reason = text_in(data.get("code")) if is_object(data) else None
    return Refusal(
        code=code,
        message=text_in(body.get("details")) or text_in(body.get("message")),
        hint=_HINTS.get(reason or "") or _HINTS.get(code or "") or _address_hint(status, body),
    )
