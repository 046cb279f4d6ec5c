"""Clients: immutable, shared, validated before any request, without secrets in their output."""

from __future__ import annotations

import pickle
import ssl
import typing
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

import logferry
from logferry._config.arguments import CallChanges, CallOptions, ClientOptions, StreamOptions
from logferry._http.options import Timeouts, WireOptions
from logferry._http.retry import RetryPolicy
from logferry.hooks import RequestEvent
from logferry.testing import FakeResponse, InProcessTransport, LogtoFake, VirtualClock

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

FAKE = LogtoFake(records=30)
UNTIL = "2027-01-01"
LOOSE: Any = logferry
"""The class without its types, as a caller without a type checker uses it."""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"page_size": 0}, "page_size is 0, it must be from 1 to 100"),
        ({"page_size": -1}, "page_size is -1"),
        ({"page_size": 101}, "page_size is 101"),
        ({"max_items": -1}, "max_items is -1"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "lies after"),
        ({"since": "soon"}, "since is no time"),
        ({"until": "soon"}, "until is no time"),
    ],
)
def test_an_invalid_call_sends_no_request(client: Make, options: dict[str, Any], words: str) -> None:
    """An invalid call is refused when the stream is opened."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto, pytest.raises(logferry.InvalidRequestError, match=words):
        logto.audit_logs(**options)
    assert transport.count == 0


def test_a_misspelt_option_is_refused(client: Make) -> None:
    """Streams, clients and views refuse it, since a pull without its window or filter would look valid."""
    with client() as logto:
        loose: Any = logto
        with pytest.raises((TypeError, logferry.InvalidRequestError)):
            loose.audit_logs(sinse="24h")
        with pytest.raises((TypeError, logferry.InvalidRequestError)):
            loose.audit_logs(userid="alice")
        with pytest.raises((TypeError, logferry.InvalidRequestError)):
            loose.with_options(timeot=5)
    with pytest.raises((TypeError, logferry.LogferryError)):
        client(timeot=5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: LOOSE.Logto(endpont="x"), "'endpont'. Did you mean endpoint? Known: endpoint, app_id, "),
        (lambda: LOOSE.Daily.from_env(timeot=5), "'timeot'. Did you mean timeout? Known: account, "),
        (lambda: LOOSE.Daily.from_env(api_key="x"), "'api_key'. Known: account, "),
        (
            lambda: LOOSE.Daily(api_key="x").api_logs(sourc="api"),
            "'sourc'. Did you mean source? Known: source, url, ",
        ),
    ],
)
def test_the_error_for_a_misspelt_argument_suggests_names(call: Callable[[], object], words: str) -> None:
    """The most likely name comes first: settings and filters before options that all services have."""
    with pytest.raises(TypeError) as caught:
        call()
    assert f"unexpected keyword argument {words}" in str(caught.value)


def test_an_empty_filter_is_refused(client: Make) -> None:
    """Logto ignores an empty filter and would send the logs of all users (the fake does as measured)."""
    with client() as logto, pytest.raises(logferry.InvalidRequestError, match="user_id"):
        logto.audit_logs(user_id="")


def test_a_filter_with_invalid_unicode_is_refused(client: Make, walk: Walk) -> None:
    """Invalid Unicode raises an error of logferry, not one of an encoder."""
    with client() as logto, pytest.raises(logferry.InvalidRequestError):
        next(walk(logto.audit_logs(user_id="\ud800")))


def test_zero_items_need_no_request(client: Make, walk: Walk) -> None:
    """max_items=0 and to_list(0) send no request."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto:
        assert list(walk(logto.audit_logs(max_items=0))) == []
        assert logto.audit_logs().to_list(0) == []
    assert transport.count == 0


def test_streams_open_by_name(client: Make, walk: Walk) -> None:
    """The filters may have either spelling, as a user gives them."""
    with client(FAKE) as logto:
        for name in ("log_key", "logKey"):
            stream = logto.stream("logto.audit_logs", filters={name: "Interaction.End"}, until=UNTIL)
            assert [entry.id for entry in walk(stream)] == list(FAKE.truth(log_key="Interaction.End"))
        with pytest.raises(logferry.InvalidRequestError, match=r"no stream 'logto\.nothing'"):
            logto.stream("logto.nothing")
        with pytest.raises(logferry.InvalidRequestError, match="no filter 'since_when'"):
            logto.stream("logto.audit_logs", filters={"since_when": "x"})


def test_a_view_does_not_change_the_original(client: Make, walk: Walk) -> None:
    """Retries and hooks of a view apply only to the view, which keeps all other options."""
    clock, told = VirtualClock(FAKE.epoch), list[str]()
    failing = [FakeResponse(503)] * 100
    transport = InProcessTransport(
        FAKE, faults=lambda request, _n: failing.pop() if request.path == "/api/logs" and failing else None
    )

    def tell(event: RequestEvent) -> None:
        told.append(event.path)

    with client(transport=transport, clock=clock, on_request=tell) as logto:
        view = logto.with_options(retries=1)
        assert type(view) is logferry.Logto
        with pytest.raises(logferry.ServiceError) as caught:
            next(walk(view.audit_logs()))
        assert caught.value.attempts == 2
        with pytest.raises(logferry.ServiceError) as caught:
            next(walk(logto.audit_logs()))
        assert caught.value.attempts == 4
        told.clear()
        with pytest.raises(logferry.ServiceError):
            next(walk(view.with_options(on_request=None).audit_logs()))
        assert told == []
        with pytest.raises(logferry.ServiceError):
            next(walk(view.audit_logs()))
        assert told == ["/api/logs"] * 2


def test_views_share_their_connections(client: Make) -> None:
    """All views share one pool, so closing one closes all."""
    logto = client(FAKE)
    view = logto.with_options(timeout=1)
    assert len(view.audit_logs(until=UNTIL).to_list()) == 30
    view.close()
    with pytest.raises(logferry.InvalidRequestError, match="closed"):
        logto.audit_logs().to_list()


def test_a_closed_client_raises(client: Make, walk: Walk) -> None:
    """A stream and an iterator that were opened before it was closed raise too."""
    with client(FAKE) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=10)
        begun = walk(stream)
        next(begun)
    for iterator in (walk(stream), walk(logto.audit_logs()), begun):
        with pytest.raises(logferry.InvalidRequestError, match="client is closed"):
            list(iterator)
    logto.close()


@pytest.mark.anyio
async def test_a_client_closes_from_sync_and_async_code(client: Make) -> None:
    """A client used in both ways is closed by either block."""
    async with client(FAKE) as logto:
        assert len(await logto.audit_logs(until=UNTIL).ato_list()) == 30
        assert len(logto.audit_logs(until=UNTIL).to_list()) == 30
    with pytest.raises(logferry.InvalidRequestError):
        await logto.audit_logs().ato_list()
    await logto.aclose()


@pytest.mark.parametrize("verify", [False, True, 0, b"x", object()])
def test_tls_verification_cannot_be_disabled(client: Make, verify: Any) -> None:
    """A boolean is refused; only the trusted certificates can be set."""
    with pytest.raises(logferry.ConfigurationError, match="TLS verification") as caught:
        client(verify=verify)
    assert "CA certificates" in (caught.value.hint or "")


@pytest.mark.parametrize("as_path", [False, True])
def test_an_unreadable_ca_bundle_is_named(tmp_path: Path, as_path: bool) -> None:
    """A missing bundle and one without certificates are refused before any request."""
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (tmp_path / "missing.pem", empty):
        with (
            logferry.Logto(
                endpoint="https://127.0.0.1:1", access_token="x", verify=path if as_path else str(path), retries=0
            ) as logto,
            pytest.raises(logferry.ConfigurationError, match=path.name),
        ):
            logto.audit_logs().to_list()


def test_a_tls_context_is_used_unchanged(client: Make) -> None:
    """A context is for callers who need more than a file."""
    with client(FAKE, verify=ssl.create_default_context()) as logto:
        assert len(logto.audit_logs(until=UNTIL).to_list()) == 30


@pytest.mark.parametrize("proxy", ["nonsense://user:hush@127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:port"])
def test_an_invalid_proxy_is_a_configuration_error(proxy: str) -> None:
    """The error is not one of the HTTP library, and does not show the proxy's credentials."""

    def ask() -> None:
        with logferry.Logto(endpoint="https://127.0.0.1:1", access_token="x", proxy=proxy, retries=0) as logto:
            logto.audit_logs().to_list()

    with pytest.raises(logferry.ConfigurationError, match="proxy") as caught:
        ask()
    assert "hush" not in str(caught.value)


def test_a_token_outside_ascii_is_a_configuration_error(client: Make, walk: Walk) -> None:
    """A header is ASCII; the error is logferry's and does not show the token."""

    def ask() -> None:
        with client(app_id=None, app_secret=None, access_token="hush-t\u00f6ken") as logto:
            next(walk(logto.audit_logs()))

    with pytest.raises(logferry.LogferryError) as caught:
        ask()
    assert "hush" not in f"{caught.value!r}{caught.value}"


@pytest.mark.parametrize("options", [{"retries": -1}, {"timeout": -1}, {"deadline": -1}])
def test_invalid_options_are_refused(client: Make, options: dict[str, Any]) -> None:
    """A client and its views refuse invalid options when they are set."""
    with pytest.raises((logferry.ConfigurationError, logferry.InvalidRequestError)):
        client(**options)


def test_a_sync_transport_in_async_use_is_an_error(client: Make) -> None:
    """A transport for only one of sync and async raises an error that names its possible use."""
    words = r"AsyncHTTPTransport is no httpx\.BaseTransport"
    with (
        client(transport=httpx.AsyncHTTPTransport()) as logto,
        pytest.raises(logferry.ConfigurationError, match=words) as caught,
    ):
        logto.audit_logs().to_list()
    assert "async for" in (caught.value.hint or "")


@pytest.mark.parametrize("transport", ["quick", httpx.HTTPTransport, 7])
def test_an_invalid_transport_is_refused(client: Make, transport: Any) -> None:
    """An object that is no transport is refused when it is set, before any request."""
    with pytest.raises(logferry.ConfigurationError, match=r"is no httpx transport\. Give an httpx\.BaseTransport"):
        client(transport=transport)


def test_no_repr_has_a_secret(client: Make, walk: Walk) -> None:
    """This holds for clients, streams, iterators, pages, errors and their attributes."""
    fake = LogtoFake(records=30)
    with client(fake) as logto, client(fake, proxy="http://user:proxy-hush@127.0.0.1:1") as other:
        stream = logto.audit_logs(until=UNTIL)
        iterator = walk(stream)
        next(iterator)
        shown = [logto, stream, iterator, stream.stats, stream.checkpoint, vars(logto), vars(stream), vars(other)]
        shown += [next(iter(walk(stream.pages()))).checkpoint]
        text = " ".join(map(repr, shown))
    secrets = [fake.app_secret, fake.access_token(), fake.access_token()[-40:], "proxy-hush", "Basic "]
    assert [secret for secret in secrets if secret in text] == []
    assert repr(logto) == "<Logto account='logto' https://default.logto.app>"
    assert repr(stream) == f"<Stream logto.audit_logs until={UNTIL!r}>"


def test_a_client_cannot_be_pickled(client: Make) -> None:
    """A pickle is refused, so locks, connections and secrets stay in the process."""
    with client() as logto, pytest.raises((TypeError, logferry.LogferryError)):
        pickle.dumps(logto)


def test_the_account_is_in_records_and_errors(client: Make, walk: Walk) -> None:
    """The default account is the name of the service."""
    with client(FAKE, account="login") as logto:
        assert logto.account == "login"
        assert next(walk(logto.audit_logs(until=UNTIL).records())).account == "login"
    with client(FAKE) as logto:
        assert logto.account == copy(logto).account == "logto"


def test_the_defaults_are_as_documented() -> None:
    """Connect 5 s, read 30 s, no deadline, 4 attempts, answers of up to 64 MiB."""
    assert CallOptions() == CallOptions(timeouts=Timeouts(connect=5, read=30), deadline=None)
    assert CallOptions().retries == RetryPolicy(attempts=4, first_delay=0.5, longest_delay=30, longest_retry_after=60)
    assert WireOptions(base_url="https://acme.logto.app").body_limit == 64 * 2**20


def test_the_account_of_a_client_cannot_be_changed(client: Make) -> None:
    """The account is set once, so threads may share the client."""
    with client() as logto:
        loose: Any = logto
        with pytest.raises(AttributeError):
            loose.account = "other"
        assert logto.with_options(timeout=1).account == logto.account == "logto"


@pytest.mark.parametrize("options", [CallChanges, ClientOptions, StreamOptions])
def test_no_option_is_of_a_type_of_httpx(options: type) -> None:
    """Callers need not know which HTTP library is used; a transport may be any object."""
    assert "httpx" not in str(typing.get_type_hints(options))
