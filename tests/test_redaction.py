"""Which values are masked, and which are shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry._redaction import REDACTED, is_secret_name, printable, public_url, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        "refresh_token",
        "refreshToken",
        "access_token",
        "id_token",
        "id_token_hint",
        "token",
        "tokens",
        "sessionToken",
        "client_secret",
        "clientSecret",
        "appSecret",
        "secret",
        "secrets",
        "client_assertion",
        "codeVerifier",
        "code_verifier",
        "code",
        "device_code",
        "user_code",
        "verificationCode",
        "backupCodes",
        "authorization_code",
        "password",
        "Password",
        "newPassword",
        "password_encrypted",
        "passwordHash",
        "passwd",
        "pwd",
        "passcode",
        "otp",
        "api_key",
        "apiKey",
        "API-Key",
        "X-API-Key",
        "private_key",
        "privateKey",
        "Authorization",
        "authorization",
        "Proxy-Authorization",
        "cookie",
        "Set-Cookie",
        "cookies",
        "credential",
        "credentials",
        "http.request.header.authorization",
        "signature",
    ],
)
def test_secret_names_are_recognised(name: str) -> None:
    """Tokens, secrets, passwords, one-time codes and keys are secret in snake case, camel case and as headers."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["secret_key", "secretAccessKey", "passphrase"])
def test_further_secret_names_are_recognised(name: str) -> None:
    """Names of secret keys, and passphrases, are secret."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "code_challenge",
        "code_challenge_method",
        "token_type",
        "token_type_hint",
        "tokenTypes",
        "token_endpoint",
        "country_code",
        "countryCode",
        "statusCode",
        "status_code",
        "error_code",
        "errorCode",
        "zip_code",
        "response_type",
        "grant_type",
        "scope",
        "key",
        "keys",
        "logKey",
        "kid",
        "state",
        "nonce",
        "user_id",
        "client_id",
        "userAgent",
        "page",
        "page_size",
        "passed",
        "passport",
        "bypass",
        "compass",
        "secretary",
        "encode",
        "decoded",
        "barcode",
        "",
    ],
)
def test_public_names_are_not_masked(name: str) -> None:
    """Kinds, challenges, endpoints and classifying codes stay readable, although their names resemble secrets."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"code": "x", "scope": "all"}, {"code": REDACTED, "scope": "all"}),
        ({"a": {"b": [{"refresh_token": "x"}]}}, {"a": {"b": [{"refresh_token": REDACTED}]}}),
        ({"tokens": ["x", "y"]}, {"tokens": [REDACTED, REDACTED]}),
        ({"tokens": [["x"], {"value": "y"}]}, {"tokens": [[REDACTED], {"value": REDACTED}]}),
        (
            {"secret": {"name": "default", "value": "x"}},
            {"secret": {"name": "default", "value": REDACTED}},
        ),
        ({"type": "password", "value": "x"}, {"type": "password", "value": REDACTED}),
        ({"type": "email", "value": "x"}, {"type": "email", "value": "x"}),
        ({"type": 5, "value": "x"}, {"type": 5, "value": "x"}),
        ({"code": 123456}, {"code": REDACTED}),
        ({"otp": 1.5}, {"otp": REDACTED}),
        (
            {"password": None, "token": "", "secret": True, "code": []},
            {"password": None, "token": "", "secret": True, "code": []},
        ),
        ("x", "x"),
        ([1, None, "code"], [1, None, "code"]),
    ],
)
def test_values_under_secret_names_are_masked(value: Any, shown: Any) -> None:
    """Masking reaches any depth and keeps the name and the surrounding values."""
    assert without_secrets(value) == shown


@pytest.mark.parametrize(
    "value",
    [
        {"token": {"access": "hush"}},
        {"cookies": {"session": "hush"}},
        {"password": {"type": "x", "value": {"raw": "hush"}}},
    ],
)
def test_secrets_in_objects_are_masked(value: Any) -> None:
    """Values one level below a secret name are masked too."""
    assert "hush" not in repr(without_secrets(value))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "a", "value", "type", "token", "key"]), inner, max_size=3)
    ),
)


@given(JSON)
def test_masking_keeps_the_shape_and_the_original(value: Any) -> None:
    """Masking returns a copy with the same names, and is idempotent."""
    before = repr(value)
    once = without_secrets(value)
    assert repr(value) == before
    assert without_secrets(once) == once
    assert _names(once) == _names(value)


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _names(member) for name, member in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_names(element) for element in value]  # pyright: ignore[reportUnknownVariableType]
    return None


@given(st.text())
def test_printable_text_is_one_safe_line(text: str) -> None:
    """Any text becomes one encodable line without terminal controls."""
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert all(ord(character) >= 32 and not 0x7F <= ord(character) < 0xA0 for character in shown)
    shown.encode()
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u00fc \u6f22 \U0001f600", "plain \u00fc \u6f22 \U0001f600"),
        ("a\nb", "a\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2028b", "a\\u2028b"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    """Control characters become escapes; all other text stays."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://acme.logto.app/api/logs?page=2&page_size=100",
            "https://acme.logto.app/api/logs?page=2&page_size=100",
        ),
        ("https://user:hush@acme.example:8443/x", "https://acme.example:8443/x"),
        (
            "https://acme.example/x?code=hush&token=hush&a=1#hush",
            f"https://acme.example/x?code={REDACTED}&token={REDACTED}&a=1",
        ),
        ("https://acme.example/x?a=&a=2", "https://acme.example/x?a=&a=2"),
        ("http://[::1]:3001/x", "http://[::1]:3001/x"),
        ("https://acme.example", "https://acme.example"),
    ],
)
def test_urls_are_shown_without_secrets(url: str, shown: str) -> None:
    """User information, fragment and the values of secret parameters are removed."""
    assert public_url(url) == shown


@given(
    st.dictionaries(st.sampled_from(["page", "code", "q", "access_token"]), st.text("abc &=+%/?#\u00fc\n", max_size=8))
)
def test_public_urls_keep_all_other_parameters(params: dict[str, str]) -> None:
    """Names and order stay, and so do the values that are not secret; the URL is one line."""
    shown = public_url(f"https://u:p@acme.example/x?{urlencode(params)}")
    assert parse_qs(urlsplit(shown).query, keep_blank_values=True) == {
        name: [REDACTED if is_secret_name(name) else value] for name, value in params.items()
    }
    assert len(shown.splitlines()) == 1
