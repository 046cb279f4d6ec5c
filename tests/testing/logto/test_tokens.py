"""Which requests get a token from the fake Logto, and which tokens it accepts."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from logferry.testing import FakeRequest, FakeResponse, LogtoFake

FAKE = LogtoFake()
SECOND = 1_000_000_000
AUDIENCE = "https://default.logto.app/api"
GRANT = {"grant_type": "client_credentials", "resource": AUDIENCE, "scope": "all"}
CREDENTIALS = {"client_id": FAKE.app_id, "client_secret": FAKE.app_secret}


def request_token(
    form: Mapping[str, Any], *, basic: str | None = None, fake: LogtoFake = FAKE, method: str = "POST"
) -> FakeResponse:
    """Request a token."""
    headers = [("Host", "127.0.0.1:3001"), ("Content-Type", "application/x-www-form-urlencoded")]
    if basic is not None:
        headers.append(("Authorization", f"Basic {b64encode(basic.encode()).decode()}"))
    body = urlencode(form, doseq=True).encode()
    return fake.answer(FakeRequest(method, "/oidc/token", tuple(headers), body), fake.epoch)


def authorize(
    value: str | None, *, fake: LogtoFake = FAKE, now: int | None = None, target: str = "/api/logs"
) -> FakeResponse:
    """Request logs with this Authorization header."""
    headers = () if value is None else (("Authorization", value),)
    return fake.answer(FakeRequest("GET", target, headers), fake.epoch if now is None else now)


def reason(answer: FakeResponse) -> str:
    """Return the most specific reason that an error gives."""
    body = orjson.loads(answer.body)
    reason: str = body.get("data", {}).get("code", body["code"])
    return reason


@pytest.mark.parametrize("basic", [None, f"{FAKE.app_id}:{FAKE.app_secret}"])
def test_credentials_give_a_token(basic: str | None) -> None:
    """Credentials by HTTP Basic or in the form give a token that gives access to the logs."""
    answer = request_token(GRANT if basic else {**GRANT, **CREDENTIALS}, basic=basic)
    body = orjson.loads(answer.body)
    assert (answer.status, list(body)) == (200, ["access_token", "expires_in", "token_type", "scope"])
    assert (body["expires_in"], body["token_type"], body["scope"]) == (3600, "Bearer", "all")
    assert authorize(f"Bearer {body['access_token']}").status == 200


def test_basic_credentials_are_form_encoded() -> None:
    """Credentials in HTTP Basic are form-encoded first, as OAuth requires."""
    fake = LogtoFake(app_secret="a b:c%")
    assert request_token(GRANT, basic=f"{fake.app_id}:a+b%3Ac%25", fake=fake).status == 200


@pytest.mark.parametrize(
    ("change", "status", "error", "description"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", "client authentication failed"),
        ({"client_id": "no-such-app"}, 400, "invalid_client", "invalid client no-such-app"),
        ({"client_id": []}, 400, "invalid_request", "no client authentication mechanism provided"),
        ({"grant_type": []}, 400, "invalid_request", "missing required parameter 'grant_type'"),
        ({"grant_type": "nonsense"}, 400, "unsupported_grant_type", "unsupported grant_type requested"),
        ({"resource": []}, 400, "invalid_target", "both `resource` and `organization_id` are not provided"),
        ({"resource": "https://no.such/api"}, 400, "invalid_target", "resource indicator is missing, or unknown"),
        ({"resource": [AUDIENCE, "https://b"]}, 400, "invalid_target", "resource indicator is missing, or unknown"),
    ],
)
def test_an_invalid_token_request_is_refused(
    change: Mapping[str, Any], status: int, error: str, description: str
) -> None:
    """An invalid token request gets the OAuth error in the recorded logs."""
    answer = request_token({**GRANT, **CREDENTIALS, **change})
    body = orjson.loads(answer.body)
    assert (status, error, description) == (answer.status, body["error"], body["error_description"])


@pytest.mark.parametrize("header", ["Basic ***", "Basic bm9jb2xvbg==", "Basic", "Bearer abc", "nonsense"])
def test_malformed_basic_credentials_are_refused(header: str) -> None:
    """An Authorization header that is not HTTP Basic is an invalid request."""
    request = FakeRequest("POST", "/oidc/token", (("Authorization", header),), urlencode(GRANT).encode())
    answer = FAKE.answer(request, FAKE.epoch)
    assert answer.status == 400
    assert orjson.loads(answer.body) == {
        "code": "oidc.invalid_request",
        "message": "Request is invalid.",
        "error": "invalid_request",
        "error_description": "invalid authorization header value format",
    }


def test_credentials_in_two_places_are_refused() -> None:
    """Credentials by HTTP Basic and in the body at once are an invalid request."""
    answer = request_token({**GRANT, **CREDENTIALS}, basic=f"{FAKE.app_id}:{FAKE.app_secret}")
    description = "client authentication must only be provided using one mechanism"
    assert (answer.status, orjson.loads(answer.body)["error_description"]) == (400, description)


def test_wrong_basic_credentials_get_a_challenge() -> None:
    """Wrong credentials by HTTP Basic get a challenge, those in the form do not."""
    answer = request_token(GRANT, basic=f"{FAKE.app_id}:wrong")
    challenge = answer.header("WWW-Authenticate") or ""
    assert answer.status == 401
    assert challenge.startswith('Basic realm="http://127.0.0.1:3001/oidc", error="invalid_client"')
    assert request_token({**GRANT, **CREDENTIALS, "client_secret": "wrong"}).header("WWW-Authenticate") is None


def test_a_token_request_can_be_json() -> None:
    """The body of a token request can be JSON."""
    headers = (("Content-Type", "application/json; charset=utf-8"),)
    body = orjson.dumps({**GRANT, **CREDENTIALS})
    assert FAKE.answer(FakeRequest("POST", "/oidc/token", headers, body), FAKE.epoch).status == 200
    for broken in (b"{", b"[1]"):
        assert FAKE.answer(FakeRequest("POST", "/oidc/token", headers, broken), FAKE.epoch).status == 400


def test_the_token_endpoint_accepts_only_post() -> None:
    """Another method on the token endpoint is not found, in the format of its errors."""
    answer = request_token(GRANT, method="GET")
    body = orjson.loads(answer.body)
    assert (answer.status, body["code"], body["message"]) == (404, "oidc.invalid_request", "Request is invalid.")


@pytest.mark.parametrize("form", [{**GRANT, **CREDENTIALS}, {}])
def test_token_answers_are_open_to_scripts_and_closed_to_caches(form: Mapping[str, Any]) -> None:
    """Scripts of any origin may read answers of the token endpoint, and caches may keep none, errors included."""
    body = urlencode(form).encode()
    plain = FAKE.answer(FakeRequest("POST", "/oidc/token", (), body), FAKE.epoch)
    script = FAKE.answer(FakeRequest("POST", "/oidc/token", (("Origin", "http://a.example"),), body), FAKE.epoch)
    names = ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Cache-Control")
    assert tuple(map(plain.header, names)) == ("*", "WWW-Authenticate", "no-store")
    assert tuple(map(script.header, names)) == ("http://a.example", "WWW-Authenticate", "no-store")


def test_preflight_of_a_token_request() -> None:
    """The answer to a preflight request allows a script of any origin to request a token."""
    headers = (("Origin", "http://a.example"), ("Access-Control-Request-Method", "POST"))
    answer = FAKE.answer(FakeRequest("OPTIONS", "/oidc/token", headers), FAKE.epoch)
    assert (answer.status, answer.header("Access-Control-Allow-Methods")) == (204, "POST")


def test_messages_of_the_token_endpoint_are_localized() -> None:
    """Errors of the token endpoint are in the language of the request."""
    answer = FAKE.answer(FakeRequest("GET", "/oidc/token", (("Accept-Language", "fr"),)), FAKE.epoch)
    assert orjson.loads(answer.body)["message"] == "La requête est invalide."


@pytest.mark.parametrize(
    "form",
    [
        {**GRANT, "client_id": FAKE.roleless_app_id, "client_secret": FAKE.app_secret},
        {**GRANT, **CREDENTIALS, "scope": []},
        {**GRANT, **CREDENTIALS, "scope": "nope"},
    ],
)
def test_a_token_without_the_scope_gives_no_access(form: Mapping[str, Any]) -> None:
    """Without the role, or without a request for the scope, the token gives no access."""
    body = orjson.loads(request_token(form).body)
    assert "scope" not in body
    answer = authorize(f"Bearer {body['access_token']}")
    assert (answer.status, reason(answer)) == (403, "auth.forbidden")


def test_a_token_for_another_api_is_refused() -> None:
    """A token for another API is issued, and refused here with its claims in the answer."""
    form = {**GRANT, **CREDENTIALS, "resource": FAKE.other_resource}
    answer = authorize(f"Bearer {orjson.loads(request_token(form).body)['access_token']}")
    assert (answer.status, reason(answer)) == (401, "ERR_JWT_CLAIM_VALIDATION_FAILED")
    assert FAKE.other_resource == orjson.loads(answer.body)["data"]["payload"]["aud"]


def test_both_indicators_of_the_management_api_work() -> None:
    """The management API has an indicator with the tenant, and a default one."""
    fake = LogtoFake(tenant="acme")
    for resource in ("https://acme.logto.app/api", AUDIENCE):
        body = orjson.loads(request_token({**GRANT, **CREDENTIALS, "resource": resource}, fake=fake).body)
        assert authorize(f"Bearer {body['access_token']}", fake=fake).status == 200
    assert request_token({**GRANT, **CREDENTIALS, "resource": "https://acme.logto.app/api"}).status == 400


def test_a_token_expires() -> None:
    """A token is valid until its lifetime ends."""
    fake = LogtoFake(token_lifetime=10)
    value = f"Bearer {fake.access_token()}"
    assert authorize(value, fake=fake, now=fake.epoch + 9 * SECOND).status == 200
    answer = authorize(value, fake=fake, now=fake.epoch + 10 * SECOND)
    assert (answer.status, reason(answer)) == (401, "ERR_JWT_EXPIRED")


def changed(token: str) -> str:
    """Return a token with another signature."""
    head, claims, signature = token.split(".")
    return f"{head}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "auth.authorization_header_missing"),
        ("", "auth.authorization_header_missing"),
        ("Basic YTpi", "auth.authorization_token_type_not_supported"),
        (FAKE.access_token(), "auth.authorization_token_type_not_supported"),
        (f"bearer {FAKE.access_token()}", "auth.authorization_token_type_not_supported"),
        (f"BEARER {FAKE.access_token()}", "auth.authorization_token_type_not_supported"),
        ("Bearer", "ERR_JWS_INVALID"),
        ("Bearer abc", "ERR_JWS_INVALID"),
        ("Bearer a.b.c", "ERR_JWS_INVALID"),
        (f"Bearer {FAKE.access_token().rpartition('.')[0]}", "ERR_JWS_INVALID"),
        (f"Bearer {changed(FAKE.access_token())}", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
        (f"Bearer  {FAKE.access_token()}", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
        (f"Bearer {FAKE.tokens.sign({}, algorithm='none')}", "ERR_JOSE_NOT_SUPPORTED"),
        (f"Bearer {FAKE.tokens.sign({}, key_id='foreign')}", "ERR_JWKS_NO_MATCHING_KEY"),
        (f"Bearer {LogtoFake(seed=1).access_token()}", "ERR_JWKS_NO_MATCHING_KEY"),
    ],
)
def test_a_wrong_authorization_is_a_401(value: str | None, expected: str) -> None:
    """The defect of the authorization decides the code; the status is 401, without WWW-Authenticate."""
    answer = authorize(value)
    assert (401, expected, None) == (answer.status, reason(answer), answer.header("WWW-Authenticate"))


def test_an_unknown_scheme_gets_the_supported_ones() -> None:
    """The answer to an unsupported scheme lists the supported ones."""
    assert orjson.loads(authorize("Basic YTpi").body)["data"] == {"supportedTypes": ["Bearer"]}


def test_authorization_is_checked_first() -> None:
    """Credentials are checked before any other part of the request."""
    assert authorize(None, target="/api/logs?page=0").status == 401
    assert authorize(f"Bearer {FAKE.access_token(scope='')}", target="/api/logs?page=0").status == 403


def test_secrets_are_not_shown() -> None:
    """Neither secrets nor signing keys are in a repr."""
    assert FAKE.app_secret not in repr(FAKE)
    assert FAKE.app_secret not in repr(FAKE.tokens)
    assert repr(FAKE.tokens.key) not in repr(FAKE.tokens)
