"""Base addresses: which are accepted, and which are refused before any request."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry._errors import ConfigurationError
from logferry._http.options import checked_base_url


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://acme.logto.app", "https://acme.logto.app"),
        ("https://acme.logto.app/", "https://acme.logto.app"),
        (" https://acme.logto.app// ", "https://acme.logto.app"),
        ("HTTPS://acme.logto.app", "https://acme.logto.app"),
        ("https://acme.example:8443/logto/", "https://acme.example:8443/logto"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ("http://localhost:3001", "http://localhost:3001"),
        ("http://127.0.0.1:3001", "http://127.0.0.1:3001"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://[::1]:3001", "http://[::1]:3001"),
    ],
)
def test_valid_addresses_are_accepted(url: str, base: str) -> None:
    """An address has https or is on this machine; a path prefix is allowed, and trailing slashes do not matter."""
    assert (
        checked_base_url(url, setting="LOGTO_ENDPOINT", example="https://acme.logto.app", allow_insecure=False) == base
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.logto.app",
        "//acme.logto.app",
        "ftp://acme.logto.app",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://:8443",
        "https://acme.logto.app?x=hush",
        "https://acme.logto.app#hush",
        "https://acme.logto.app:port",
        "https://acme.logto.app:99999",
        "https://[::1",
        "javascript:alert(1)",
    ],
)
def test_an_invalid_address_is_refused(url: str) -> None:
    """The error names the setting and shows an example, but not the value."""
    with pytest.raises(ConfigurationError, match=r"^LOGTO_ENDPOINT is no URL") as caught:
        checked_base_url(url, setting="LOGTO_ENDPOINT", example="https://acme.logto.app", allow_insecure=True)
    assert "https://acme.logto.app" in (caught.value.hint or "")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://user:hush@acme.logto.app", "https://hush@acme.logto.app", "http://:hush@localhost"]
)
def test_credentials_in_an_address_are_refused(url: str) -> None:
    """Credentials in an address would appear wherever the address is shown."""
    with pytest.raises(ConfigurationError, match="LOGTO_ENDPOINT holds credentials") as caught:
        checked_base_url(url, setting="LOGTO_ENDPOINT", example="https://acme.logto.app", allow_insecure=True)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.logto.app",
        "http://10.0.0.1",
        "http://0.0.0.0:3001",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://[2001:db8::1]",
    ],
)
def test_plain_http_to_other_machines_is_refused(url: str) -> None:
    """Plain http to other machines needs the explicit consent of the account."""
    with pytest.raises(ConfigurationError, match="plain http"):
        checked_base_url(url, setting="LOGTO_ENDPOINT", example="https://acme.logto.app", allow_insecure=False)
    assert checked_base_url(url, setting="LOGTO_ENDPOINT", example="https://acme.logto.app", allow_insecure=True) == url


@given(st.text())
def test_any_text_is_accepted_or_refused(url: str) -> None:
    """Any text either becomes an address or raises a ConfigurationError."""
    with suppress(ConfigurationError):
        assert checked_base_url(url, setting="X", example="https://acme.logto.app", allow_insecure=False).startswith(
            ("https://", "http://")
        )
