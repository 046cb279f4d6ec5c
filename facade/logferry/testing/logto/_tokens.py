"""
The fake Logto's access tokens and its token endpoint.

A token is a JWT that contains its whole state, so that the fake keeps none.  Its signature is a keyed hash, since a
client never checks it.  The responses to a changed or foreign token were measured on Logto 1.42.0.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import attrs
import orjson

from logferry._json import is_array, is_object
from logferry.testing._http import FakeRequest, Headers
from logferry.testing.logto._query import Refusal

__all__ = ["Application", "Claims", "TokenIssuer", "oauth_error"]

Claims = Mapping[str, Any]

_SCHEME = "Bearer"
_SECOND = 1_000_000_000
_MESSAGE = "Unauthorized. Please check credentials and its scope."


@attrs.frozen(kw_only=True)
class Application:
    """
    A machine-to-machine application.

    Attributes:
        app_id: The valid ``client_id``.
        app_secret: The valid ``client_secret``.
        has_role: Whether it has the role that grants the management API's scope ``all``.
    """

    app_id: str
    app_secret: str = attrs.field(repr=False)
    has_role: bool = True


@attrs.frozen(kw_only=True)
class TokenIssuer:
    """
    Issues and checks tokens.

    Attributes:
        key: Signs; a fake with another key rejects the signature.
        key_id: Names the key; a token with another one is from a foreign issuer.
        audiences: Indicators of the management API; tokens for them are accepted.
        other_resources: Further API resources: tokens are issued for them, and are refused here.
        applications: The applications that may request tokens.
        lifetime: Seconds until a token expires.
    """

    key: bytes = attrs.field(repr=False)
    key_id: str
    audiences: tuple[str, ...]
    other_resources: tuple[str, ...]
    applications: tuple[Application, ...]
    lifetime: int

    def sign(self, claims: Claims, *, key_id: str | None = None, algorithm: str = "ES384") -> str:
        """Return a token that holds `claims`."""
        header = orjson.dumps({"alg": algorithm, "typ": "at+jwt", "kid": key_id or self.key_id})
        text = f"{_encode(header)}.{_encode(orjson.dumps(claims))}"
        return f"{text}.{self._signature(text)}"

    def authorize(self, request: FakeRequest, now: int) -> Claims:
        """
        Return the claims of the token in the request.

        Raises:
            Refusal: 401 for a token that is missing or not valid, 403 for one without the scope ``all``.
        """
        header = request.header("Authorization")
        if not header:
            raise Refusal(
                401, {"code": "auth.authorization_header_missing", "message": "Authorization header is missing."}
            )
        if not header.startswith(_SCHEME):
            raise Refusal(
                401,
                {
                    "code": "auth.authorization_token_type_not_supported",
                    "message": "Authorization type is not supported.",
                    "data": {"supportedTypes": [_SCHEME]},
                },
            )
        claims = self._verify(header[len(_SCHEME) + 1 :], now)
        if "all" not in str(claims.get("scope", "")).split(" "):
            raise Refusal(
                403,
                {"code": "auth.forbidden", "message": "Forbidden. Please check your user roles and permissions."},
            )
        return claims

    def issue(self, request: FakeRequest, issuer: str, now: int) -> dict[str, Any]:
        """
        Respond to a token request.

        Args:
            request: Credentials by HTTP Basic or in the body, which is a form or JSON.
            issuer: The `iss` of the token.
            now: Nanoseconds since 1970-01-01 UTC.

        Raises:
            Refusal: With an OAuth error body.
        """
        form = _read_form(request)
        application = self._authenticate(request, form, issuer)
        match form.get("grant_type"):
            case None | [""]:
                raise oauth_error(400, "invalid_request", "missing required parameter 'grant_type'")
            case ["client_credentials"]:
                pass
            case _:
                raise oauth_error(400, "unsupported_grant_type", "unsupported grant_type requested")
        match [resource for resource in form.get("resource", ()) if resource]:
            case []:
                raise oauth_error(400, "invalid_target", "both `resource` and `organization_id` are not provided")
            case [resource] if resource in (*self.audiences, *self.other_resources):
                pass
            case _:
                raise oauth_error(400, "invalid_target", "resource indicator is missing, or unknown")
        asked = " ".join(form.get("scope", ())).split()
        granted = "all" in asked and application.has_role and resource in self.audiences
        scope = "all" if granted else ""
        return {
            "access_token": self.token(application.app_id, resource, scope, issuer, now),
            "expires_in": self.lifetime,
            "token_type": _SCHEME,
            **({"scope": scope} if scope else {}),
        }

    def token(self, app_id: str, audience: str, scope: str, issuer: str, now: int) -> str:
        """Return a token issued at `now`, in nanoseconds since 1970-01-01 UTC; without scope if `scope` is empty."""
        issued = now // _SECOND
        return self.sign(
            {
                "jti": _encode(hashlib.sha256(f"{app_id} {audience} {now}".encode()).digest()),
                "sub": app_id,
                "iat": issued,
                "exp": issued + self.lifetime,
                **({"scope": scope} if scope else {}),
                "client_id": app_id,
                "iss": issuer,
                "aud": audience,
            }
        )

    def _authenticate(self, request: FakeRequest, form: Mapping[str, list[str]], issuer: str) -> Application:
        header = request.header("Authorization")
        if header and any(form.get("client_secret", ())):
            raise oauth_error(400, "invalid_request", "client authentication must only be provided using one mechanism")
        basic = _read_basic(header)
        client_id, secret = basic or (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
        if not client_id:
            raise oauth_error(400, "invalid_request", "no client authentication mechanism provided")
        application = next((known for known in self.applications if known.app_id == client_id), None)
        if application is None:
            raise oauth_error(400, "invalid_client", f"invalid client {client_id}")
        if not hmac.compare_digest(application.app_secret.encode(), secret.encode()):
            description = "client authentication failed"
            challenge = f'Basic realm="{issuer}", error="invalid_client", error_description="{description}"'
            # Only for HTTP Basic.
            headers = (("WWW-Authenticate", challenge),) if basic else ()
            raise oauth_error(401, "invalid_client", description, headers)
        return application

    def _verify(self, token: str, now: int) -> Claims:
        parts = token.split(".")
        try:
            header, claims = (orjson.loads(_decode(part)) for part in parts[:2])
            algorithm, key_id = header["alg"], header.get("kid")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _unauthorized("ERR_JWS_INVALID", "JWSInvalid") from None
        if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
            raise _unauthorized("ERR_JWS_INVALID", "JWSInvalid")
        if algorithm == "none":
            raise _unauthorized("ERR_JOSE_NOT_SUPPORTED", "JOSENotSupported")
        if key_id != self.key_id:
            raise _unauthorized("ERR_JWKS_NO_MATCHING_KEY", "JWKSNoMatchingKey")
        if not hmac.compare_digest(self._signature(f"{parts[0]}.{parts[1]}"), parts[2]):
            raise _unauthorized("ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "JWSSignatureVerificationFailed")
        if claims.get("aud") not in self.audiences:
            raise _failed_claim("ERR_JWT_CLAIM_VALIDATION_FAILED", "JWTClaimValidationFailed", "aud", claims)
        if claims.get("exp", 0) <= now // _SECOND:
            raise _failed_claim("ERR_JWT_EXPIRED", "JWTExpired", "exp", claims)
        return dict(claims)

    def _signature(self, text: str) -> str:
        return _encode(hmac.digest(self.key, text.encode(), "sha384"))


def _read_form(request: FakeRequest) -> dict[str, list[str]]:
    """Return the parameters of a token request, each with all its values; a form and JSON are equivalent."""
    text = request.body.decode("utf-8", "replace")
    pairs: Iterable[tuple[str, Any]] = parse_qsl(text, keep_blank_values=True)
    if (request.header("Content-Type") or "").partition(";")[0].strip().lower() == "application/json":
        try:
            body = orjson.loads(text)
        except ValueError:
            raise oauth_error(400, "invalid_request", "failed to parse the request body") from None
        pairs = body.items() if is_object(body) else ()
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).extend(map(str, value) if is_array(value) else [str(value)])
    return form


def _read_basic(header: str | None) -> tuple[str, str] | None:
    if not header:
        return None
    scheme, _, value = header.partition(" ")
    try:
        client_id, colon, secret = b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = client_id = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise oauth_error(400, "invalid_request", "invalid authorization header value format")
    return unquote_plus(client_id), unquote_plus(secret)  # RFC 6749, section 2.3.1


def oauth_error(status: int, error: str, description: str, headers: Headers = ()) -> Refusal:
    """Return an error of the token endpoint: the standard's code, and Logto's description."""
    messages = {
        "invalid_request": "Request is invalid.",
        "invalid_target": "Invalid resource indicator.",
        "unsupported_grant_type": "Unsupported `grant_type` requested.",
    }
    code = f"oidc.{error}"
    body = {
        "code": code,
        "message": messages.get(error, f"An OIDC error occurred: {code}."),
        "error": error,
        "error_description": description,
    }
    return Refusal(status, body, headers)


def _unauthorized(code: str, name: str, data: Mapping[str, Any] | None = None) -> Refusal:
    return Refusal(
        401, {"code": "auth.unauthorized", "message": _MESSAGE, "data": {"code": code, "name": name, **(data or {})}}
    )


def _failed_claim(code: str, name: str, claim: str, claims: Claims) -> Refusal:
    # Logto echoes the claims of the token, so its error bodies can hold secrets.
    return _unauthorized(code, name, {"claim": claim, "reason": "check_failed", "payload": claims})


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    # The real decoder skips white space: two blanks after "Bearer" fail at the signature only.
    text = "".join(text.split())
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
