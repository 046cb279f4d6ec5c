"""Tracebacks with locals, as Sentry and rich show them, contain no credential, and no ``repr`` fails."""

from __future__ import annotations

import io
import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from attrs import frozen
from rich.console import Console
from rich.traceback import Traceback
from tests.conftest import EventLoop
from tests.test_secrets import CLIENTS, SECRET_SETTINGS, TROUBLES, World, echoing

import logferry
from logferry._redaction import Secret, SecretBytes
from logferry.testing import Disruption, relay

HERE = Path(__file__)


@frozen
class Local:
    """A local variable of a frame: its location and its ``repr``."""

    place: str
    shown: str


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes and contexts, and all members of groups, suppressed ones included."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
            members: tuple[BaseException, ...] = getattr(one, "exceptions", ())
            waiting += members


def frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    """Return the entries of a traceback without those of these tests, whose variables contain secrets."""
    while trace is not None:
        code = trace.tb_frame.f_code
        if Path(code.co_filename) != HERE or code.co_name == Broken.handle_request.__name__:
            yield trace
        trace = trace.tb_next


def local_variables(error: BaseException) -> list[Local]:
    """Return the local variables of all frames; a ``repr`` that raises fails the test."""
    return [
        Local(f"{entry.tb_frame.f_code.co_filename}:{entry.tb_lineno} {name}", repr(value))
        for one in chain(error)
        for entry in frames(one.__traceback__)
        for name, value in tuple(entry.tb_frame.f_locals.items())
    ]


def own_frames(error: BaseException) -> int:
    """Return the number of frames of logferry in the tracebacks."""
    package = Path(logferry.__file__).parent
    places = [Path(entry.tb_frame.f_code.co_filename) for one in chain(error) for entry in frames(one.__traceback__)]
    return sum(place.is_relative_to(package) and not place.is_relative_to(package / "testing") for place in places)


def spellings(secret: str) -> set[str]:
    """Return the forms of a secret: plain, quoted, in base64, and the plain content of base64."""
    found = {secret, quote(secret, safe=""), b64encode(secret.encode()).decode()}
    with suppress(Error, UnicodeDecodeError):
        found.add(b64decode(secret, validate=True).decode().partition(":")[2])
    return {one for one in found if len(one) >= 8}


def assert_hidden(error: BaseException, secrets: set[str]) -> None:
    """Assert that no form of a secret is in any local variable or in rich's view of it."""
    assert secrets
    shown = local_variables(error)
    shown += [Local(type(one).__name__, f"{one!r} {one} {vars(one)}") for one in chain(error)]
    leaks = [one for one in shown for secret in secrets for spelling in spellings(secret) if spelling in one.shown]
    assert leaks == []


@pytest.fixture(params=["usual", "fast"])
def transport(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The transports of logferry."""
    return {} if request.param == "usual" else {"transport": "fast"}


Fail = Callable[[Any, World, str], BaseException]


@pytest.fixture
def fail(walk: Callable[[Any], Iterator[Any]], portal: EventLoop) -> Fail:
    """Return the errors of a client's first stream, sync and async."""

    def failed(client: Any, world: World, name: str) -> BaseException:
        definition = client.streams[0]
        (question, *_) = world.fakes[name].questions(definition.name)
        try:
            list(walk(client.stream(definition.name, filters=dict(question))))
        except Exception as error:  # noqa: BLE001  # any error
            return error
        finally:
            portal.call(client.aclose)
        pytest.fail("nothing failed")

    return failed


TROUBLED = {
    **{name: TROUBLES[name] for name in ("401", "token refused", "nonsense", "web page", "redirect")},
    "500": echoing(500),
    "token broken": echoing(500, tokens=True),
}


@pytest.mark.parametrize("trouble", sorted(TROUBLED))
def test_a_failed_call_shows_no_credential(trouble: str, transport: dict[str, Any], fail: Fail) -> None:
    """This holds for all services, sync and async, for the API and the token endpoint; logferry has few frames."""
    with World(TROUBLED[trouble]).served() as world:
        for name, make in CLIENTS.items():
            client = make(**world.settings(name), retries=0, **transport)
            caught = fail(client, world, name)
            assert isinstance(caught, logferry.LogferryError)
            assert own_frames(caught) <= 3
            assert_hidden(caught, world.secrets())


@pytest.mark.parametrize("how", ["refused", "reset", "close"])
def test_a_failed_connection_shows_no_credential(how: Any, transport: dict[str, Any], fail: Fail) -> None:
    """The connection cannot be made, or breaks before or within the answer."""
    with World(None).served() as world:
        for name, make in CLIENTS.items():
            every = dict.fromkeys(range(1, 99), Disruption("reset" if how == "refused" else how, "body", 5))
            with relay(world.urls[name], every) as url:
                address = {"base_url": url} if "base_url" in world.settings(name) else {"endpoint": url}
                client = make(**world.settings(name) | address, retries=0, **transport)
                caught = None if how == "refused" else fail(client, world, name)
            if caught is None:  # the relay has ended
                caught = fail(client, world, name)
            assert isinstance(caught, logferry.ConnectionFailedError)
            assert own_frames(caught) <= 3
            assert_hidden(caught, world.secrets())


class Broken(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Raises an undocumented error, which passes all frames unchanged, with locals that show the headers."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Fail."""
        headers, pairs = request.headers, request.headers.raw
        raise KeyError(request.method, len(headers), len(pairs))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail."""
        return self.handle_request(request)


def broken_hook(_event: object) -> None:
    """A hook that fails."""
    raise KeyError("hook")


@pytest.mark.parametrize("broken", [{"transport": Broken()}, {"on_page": broken_hook}], ids=["transport", "hook"])
def test_no_frame_of_logferry_shows_a_credential(broken: dict[str, Any], fail: Fail) -> None:
    """A foreign error, of a transport or a hook, keeps all its frames."""
    with World(None).served() as world:
        for name, make in CLIENTS.items():
            caught = fail(make(**world.settings(name), retries=0, **broken), world, name)
            assert isinstance(caught, KeyError)
            assert own_frames(caught) >= 3
            known = {value for key, value in world.settings(name).items() if key in SECRET_SETTINGS}
            assert_hidden(caught, known | (world.secrets() if world.recorders[name].requests else set()))


def test_rich_shows_no_credential() -> None:
    """The locals of rich, which include parts of long texts, show none."""
    secret = "hush-" * 100
    for client in (
        logferry.Logto(endpoint="https://acme.logto.app", access_token=secret, transport=Broken()),
        logferry.Cognigy(base_url="https://c.example", api_key=secret, project_id="a" * 24, transport=Broken()),
    ):
        with pytest.raises(KeyError) as caught:
            list(client.stream(client.streams[0].name))
        trace = caught.value.__traceback__
        assert trace is not None
        shown = Traceback.from_exception(
            KeyError, caught.value, trace.tb_next, show_locals=True, locals_max_string=20, locals_max_length=1000
        )
        console = Console(record=True, width=300, file=io.StringIO())
        console.print(shown)
        text = console.export_text()
        assert "outgoing" in text
        assert "hush-" not in text


WRONG: dict[str, dict[str, Any]] = {
    "daily": {"api_key": "hush-hush-key", "base_url": "http://plain.example"},
    "logto": {"endpoint": "https://acme.logto.app/api", "app_id": "app", "app_secret": "hush-hush-secret"},
    "signalwire": {"space": "a/b", "project_id": "p", "api_token": "hush-hush-token"},
    "cognigy": {"base_url": "https://c.example", "api_key": "hush-hush-key", "project_id": "?"},
}


@pytest.mark.parametrize("service", sorted(CLIENTS))
@pytest.mark.parametrize(
    "further",
    [
        {},
        {"proxy": "hush-hush-proxy"},
        {"proxy": "http://user:hush-hush-proxy@127.0.0.1:x"},
        {"api_kye": "hush-hush-misspelt"},
        {"timeout": -1},
    ],
)
def test_a_failed_client_shows_no_setting(service: str, further: dict[str, Any]) -> None:
    """The error is about an address, a proxy or a name."""
    for secret in (
        WRONG[service],
        WRONG[service] | {name: "hush-hush\n" for name in WRONG[service] if name in SECRET_SETTINGS},
    ):
        with pytest.raises((logferry.LogferryError, TypeError)) as caught:
            CLIENTS[service](**secret, **further)
        assert_hidden(caught.value, {"hush-hush"})


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "hush-hush-secret',
        'api_key = "hush-hush-secret\\n"',
        'api_key = "hush-hush-secret"\nbase_url = "http://plain.example"',
        'api_key = "hush-hush-secret"\nunknown = 1',
        'api_key = ["hush-hush-secret"]',
        'api_key = { env = "MARKED" }',
        'api_key = { file = "secret" }',
        'api_key = { command = ["sh", "-c", "echo hush-hush-secret; exit 3"] }',
        'api_key = { command = ["sh", "-c", "printf \'hush-hush-secret\\\\377\'"] }',
    ],
)
def test_a_failed_account_shows_no_setting(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the content of the file, nor the value of a reference, nor the password of a proxy is shown."""
    monkeypatch.setenv("MARKED", "hush-hush-secret\n2")
    (tmp_path / "secret").write_bytes(b"hush-hush-secret\xff")
    path = tmp_path / "logferry.toml"
    path.write_text(f'[accounts.login]\nservice = "daily"\n{line}\n')
    proxy = "http://user:hush-hush-secret@127.0.0.1:9"
    with (
        pytest.raises((logferry.LogferryError, ExceptionGroup)) as caught,
        logferry.open_accounts(path, proxy=proxy, retries=0) as ferry,
    ):
        list(ferry.records(since="1h"))
    assert_hidden(caught.value, {"hush-hush-secret"})


@pytest.mark.parametrize("kind", ["entries", "records"])
@pytest.mark.parametrize("paged", [False, True])
def test_a_strict_pull_does_not_show_the_item(kind: str, paged: bool) -> None:
    """No local variable has content of an item that does not decode, such as an authorization code."""
    payload = {"key": "k", "result": "Success", "params": {"code": "hush-hush-code"}, "ip": 7}
    log = {"id": "1", "key": "k", "createdAt": 1_767_225_600_000, "payload": payload}
    transport = httpx.MockTransport(
        lambda _request: httpx.Response(200, content=json.dumps([log]), headers={"Total-Number": "1"})
    )
    with logferry.Logto(endpoint="https://acme.logto.app", access_token="t", transport=transport) as client:  # made up
        stream = client.audit_logs(strict=True)
        view = stream if kind == "entries" else stream.records()
        with pytest.raises(logferry.ResponseShapeError) as caught:
            list(view.pages() if paged else view)
    assert own_frames(caught.value) <= 4
    assert_hidden(caught.value, {"hush-hush-code"})


def while_handling(call: Callable[[], object]) -> None:
    """Call while an error of the caller is being handled."""
    try:
        broken_hook(None)
    except KeyError:
        call()


def test_an_error_that_the_caller_handles_keeps_its_frames() -> None:
    """An error raised meanwhile has the caller's error as its context and leaves it unchanged."""
    with (
        logferry.Daily(api_key="k", base_url="http://127.0.0.1:9", retries=0) as client,
        pytest.raises(logferry.ConnectionFailedError) as caught,
    ):
        while_handling(lambda: list(client.api_logs()))
    (own,) = (one for one in chain(caught.value) if isinstance(one, KeyError))
    assert own.__traceback__ is not None


def test_a_secret_behaves_as_a_string() -> None:
    """A secret equals its text, and is hidden only in its ``repr`` and in those of its parts."""
    secret = Secret(" hush ").strip()
    assert (secret, str(secret), f"Bearer {secret}", secret.encode()) == ("hush", "hush", "Bearer hush", b"hush")
    assert type(secret.encode()) is type(bytes(secret.encode())) is SecretBytes
    shown = [
        secret,
        secret[:80],
        secret[0],
        secret.encode(),
        secret.encode()[:80],
        secret.encode().decode(),
        {"a": secret},
    ]
    assert "h" not in repr(shown)
    assert secret.encode()[0] == ord("h")
