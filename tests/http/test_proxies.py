"""The proxy of a client's requests: set by an argument or the environment, and the same for both transports."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest

import logferry
from logferry._http.proxies import is_bypassed

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxies of the environment unless a test sets one."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(params=[True, False], ids=["sync", "async"])
def sync(request: pytest.FixtureRequest) -> bool:
    """Whether requests are sync or async."""
    return bool(request.param)


@pytest.fixture(params=[None, "fast"], ids=["httpx", "fast"])
def transport(request: pytest.FixtureRequest) -> Any:
    """Each of the two transports."""
    return request.param


def failed(sync: bool, endpoint: str, transport: Any, **options: Any) -> logferry.LogferryError:
    """Return the reason why a request fails."""
    given: dict[str, Any] = {"endpoint": endpoint, "access_token": "hush", "retries": 0, "transport": transport}

    async def aask() -> None:
        async with logferry.Logto(**given, **options) as logto:
            await logto.audit_logs().ato_list()

    def ask() -> None:
        if not sync:
            anyio.run(aask)
        with logferry.Logto(**given, **options) as logto:
            logto.audit_logs().to_list()

    with pytest.raises(logferry.LogferryError) as caught:
        ask()
    return caught.value


@contextmanager
def hanging_up(heard: list[bytes]) -> Generator[int]:
    """A port that reads the first bytes of a client, then closes the connection."""
    server = socket.create_server(("127.0.0.1", 0))

    def hear() -> None:
        while True:
            connection, _ = server.accept()
            with connection:
                words = connection.recv(65536)
                if words == b"end":
                    return
                heard.append(words.partition(b"\r\n")[0])

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        with socket.create_connection(server.getsockname()) as last:
            last.sendall(b"end")
        thread.join()
        server.close()


@pytest.mark.parametrize(
    ("listed", "host", "bypassed"),
    [
        ("", "acme.logto.app", False),
        ("*", "acme.logto.app", True),
        ("acme.logto.app", "acme.logto.app", True),
        ("ACME.logto.APP", "acme.logto.app", True),
        ("logto.app", "acme.logto.app", True),
        (".logto.app", "acme.logto.app", True),
        ("*.logto.app", "acme.logto.app", True),
        ("logto.app.", "acme.logto.app.", True),
        ("o.app", "acme.logto.app", False),
        ("acme.logto.app", "logto.app", False),
        ("a.example, logto.app", "acme.logto.app", True),
        ("a.example logto.app", "acme.logto.app", True),
        ("logto.app:443", "acme.logto.app", True),
        ("logto.app:8443", "acme.logto.app", False),
        ("fd00::5", "fd00::5", True),
        ("[fd00::5]", "fd00::5", True),
        ("[fd00::5]:443", "fd00::5", True),
        ("[fd00::5]:8443", "fd00::5", False),
        ("fd00:0:0::5", "fd00::5", True),
        ("fd00::/8", "fd00::5", True),
        ("fd00::6", "fd00::5", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.7/8", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("11.0.0.0/8", "10.1.2.3", False),
        ("fd00::/8", "10.1.2.3", False),
        ("10.0.0.0/8", "10.example", False),
        (",, ,", "acme.logto.app", False),
        (":443", "acme.logto.app", False),
    ],
)
def test_listed_hosts_are_contacted_directly(listed: str, host: str, bypassed: bool) -> None:
    """The list has names with their subdomains, IPv4 and IPv6 addresses, and networks, each with or without a port."""
    assert is_bypassed(listed, host, 443) is bypassed


@pytest.mark.parametrize(
    ("listed", "host"), [("127.0.0.0/8", "127.0.0.1"), ("::1", "[::1]"), ("localhost", "localhost")]
)
def test_both_transports_apply_the_list_alike(
    sync: bool, transport: Any, monkeypatch: pytest.MonkeyPatch, listed: str, host: str
) -> None:
    """Hosts in the list are contacted directly, all others through the proxy of the environment."""
    through: list[bytes] = []
    with hanging_up(through) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", listed)
        failed(sync, f"https://{host}:1", transport)
        assert through == []
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,fd00::5")
        failed(sync, f"https://{host}:1", transport)
    assert len(through) == 1
    assert through[0].startswith(b"CONNECT ")


@pytest.mark.parametrize(
    "proxy",
    ["socks5://127.0.0.1:9", "socks5h://user:hush@127.0.0.1:9", "http://[::1", "http://127.0.0.1:port", "http://"],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_an_unusable_proxy_is_an_error(
    sync: bool, transport: Any, monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    """The proxy is never skipped, since its user does not want a direct connection to be seen."""
    heard: list[bytes] = []
    with hanging_up(heard) as port:
        monkeypatch.setenv(variable, proxy)
        error = failed(sync, f"https://127.0.0.1:{port}", transport)
    assert type(error) is logferry.ConfigurationError
    assert variable.upper() in (error.hint or "")
    assert "hush" not in str(error)
    assert heard == []


def test_a_proxy_without_a_scheme_uses_http(sync: bool, transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default scheme of a proxy is that of curl."""
    heard: list[bytes] = []
    with hanging_up(heard) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{port}")
        failed(sync, "https://logto.invalid", transport)
    assert heard == [b"CONNECT logto.invalid:443 HTTP/1.1"]


def test_a_proxy_argument_applies_to_all_hosts(sync: bool, transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of direct hosts in the environment applies only to its own proxies."""
    heard: list[bytes] = []
    with hanging_up(heard) as port:
        monkeypatch.setenv("NO_PROXY", "*")
        failed(sync, "https://logto.invalid", transport, proxy=f"http://127.0.0.1:{port}")
    assert heard == [b"CONNECT logto.invalid:443 HTTP/1.1"]
