"""Clients: immutable, shared, checked before anything is sent, silent about secrets."""

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
"""As a caller without a type checker sees it."""


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
def test_a_call_that_cannot_be_right_sends_nothing(client: Make, options: dict[str, Any], words: str) -> None:
    """It is refused where the stream is opened."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto, pytest.raises(logferry.InvalidRequestError, match=words):
        logto.audit_logs(**options)
    assert transport.count == 0


def test_a_misspelt_option_is_refused(client: Make) -> None:
    """By the stream, by the client and by its views: else a pull without its window or its filter would look right."""
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
def test_a_misspelt_argument_is_suggested(call: Callable[[], object], words: str) -> None:
    """What is most likely to have been meant stands first: settings and filters before the options that all share."""
    with pytest.raises(TypeError) as caught:
        call()
    assert f"unexpected keyword argument {words}" in str(caught.value)


def test_an_empty_filter_is_refused(client: Make) -> None:
    """Logto takes it for none and would send everybody's logs (the fake does as it was measured)."""
    with client() as logto, pytest.raises(logferry.InvalidRequestError, match="user_id"):
        logto.audit_logs(user_id="")


def test_a_filter_that_cannot_be_sent_is_refused(client: Make, walk: Walk) -> None:
    """Text that is no Unicode is an error of ours, not one of an encoder."""
    with client() as logto, pytest.raises(logferry.InvalidRequestError):
        next(walk(logto.audit_logs(user_id="\ud800")))


def test_nothing_is_asked_for_no_items(client: Make, walk: Walk) -> None:
    """max_items=0 and to_list(0) need no request."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto:
        assert list(walk(logto.audit_logs(max_items=0))) == []
        assert logto.audit_logs().to_list(0) == []
    assert transport.count == 0


def test_streams_open_by_name(client: Make, walk: Walk) -> None:
    """With filters by either spelling, as a user gives them."""
    with client(FAKE) as logto:
        for name in ("log_key", "logKey"):
            stream = logto.stream("logto.audit_logs", filters={name: "Interaction.End"}, until=UNTIL)
            assert [entry.id for entry in walk(stream)] == list(FAKE.truth(log_key="Interaction.End"))
        with pytest.raises(logferry.InvalidRequestError, match=r"no stream 'logto\.nothing'"):
            logto.stream("logto.nothing")
        with pytest.raises(logferry.InvalidRequestError, match="no filter 'since_when'"):
            logto.stream("logto.audit_logs", filters={"since_when": "x"})


def test_a_view_has_its_own_options_and_leaves_the_original_alone(client: Make, walk: Walk) -> None:
    """Retries and hooks of a view are the view's; what it does not change it keeps."""
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
    """Closing one closes all, since they are one pool."""
    logto = client(FAKE)
    view = logto.with_options(timeout=1)
    assert len(view.audit_logs(until=UNTIL).to_list()) == 30
    view.close()
    with pytest.raises(logferry.InvalidRequestError, match="closed"):
        logto.audit_logs().to_list()


def test_a_closed_client_says_so(client: Make, walk: Walk) -> None:
    """Also a stream that was opened, and an iterator that was begun, before it was closed."""
    with client(FAKE) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=10)
        begun = walk(stream)
        next(begun)
    for iterator in (walk(stream), walk(logto.audit_logs()), begun):
        with pytest.raises(logferry.InvalidRequestError, match="client is closed"):
            list(iterator)
    logto.close()


@pytest.mark.anyio
async def test_a_client_closes_in_both_worlds(client: Make) -> None:
    """One client may be used in both, and is closed by either block."""
    async with client(FAKE) as logto:
        assert len(await logto.audit_logs(until=UNTIL).ato_list()) == 30
        assert len(logto.audit_logs(until=UNTIL).to_list()) == 30
    with pytest.raises(logferry.InvalidRequestError):
        await logto.audit_logs().ato_list()
    await logto.aclose()


@pytest.mark.parametrize("verify", [False, True, 0, b"x", object()])
def test_tls_verification_cannot_be_switched_off(client: Make, verify: Any) -> None:
    """Neither on nor off: only what it is verified against can be said."""
    with pytest.raises(logferry.ConfigurationError, match="TLS verification") as caught:
        client(verify=verify)
    assert "CA certificates" in (caught.value.hint or "")


@pytest.mark.parametrize("as_path", [False, True])
def test_a_ca_bundle_that_cannot_be_read_is_named(tmp_path: Path, as_path: bool) -> None:
    """Also one that holds no certificates; before anything is sent."""
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


def test_a_tls_context_is_taken_as_it_is(client: Make) -> None:
    """For those who need more than a file."""
    with client(FAKE, verify=ssl.create_default_context()) as logto:
        assert len(logto.audit_logs(until=UNTIL).to_list()) == 30


@pytest.mark.parametrize("proxy", ["nonsense://user:hush@127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:port"])
def test_a_proxy_that_is_none_is_a_configuration_error(proxy: str) -> None:
    """Not an error of the HTTP library; and its credentials are not shown."""

    def ask() -> None:
        with logferry.Logto(endpoint="https://127.0.0.1:1", access_token="x", proxy=proxy, retries=0) as logto:
            logto.audit_logs().to_list()

    with pytest.raises(logferry.ConfigurationError, match="proxy") as caught:
        ask()
    assert "hush" not in str(caught.value)


def test_a_token_that_cannot_be_sent_is_a_configuration_error(client: Make, walk: Walk) -> None:
    """A header holds ASCII; the error is ours and does not show the token."""

    def ask() -> None:
        with client(app_id=None, app_secret=None, access_token="hush-t\u00f6ken") as logto:
            next(walk(logto.audit_logs()))

    with pytest.raises(logferry.LogferryError) as caught:
        ask()
    assert "hush" not in f"{caught.value!r}{caught.value}"


@pytest.mark.parametrize("options", [{"retries": -1}, {"timeout": -1}, {"deadline": -1}])
def test_options_that_cannot_be_right_are_errors_of_ours(client: Make, options: dict[str, Any]) -> None:
    """Refused where they are given, for the client and for its views."""
    with pytest.raises((logferry.ConfigurationError, logferry.InvalidRequestError)):
        client(**options)


def test_a_transport_of_the_other_world_is_named(client: Make) -> None:
    """A transport that cannot do what is asked of it is an error that says which way it can be used."""
    words = r"AsyncHTTPTransport is no httpx\.BaseTransport"
    with (
        client(transport=httpx.AsyncHTTPTransport()) as logto,
        pytest.raises(logferry.ConfigurationError, match=words) as caught,
    ):
        logto.audit_logs().to_list()
    assert "async for" in (caught.value.hint or "")


@pytest.mark.parametrize("transport", ["quick", httpx.HTTPTransport, 7])
def test_what_is_no_transport_is_refused(client: Make, transport: Any) -> None:
    """Where it is given, before anything is asked."""
    with pytest.raises(logferry.ConfigurationError, match=r"is no httpx transport\. Give an httpx\.BaseTransport"):
        client(transport=transport)


def test_nothing_prints_a_secret(client: Make, walk: Walk) -> None:
    """Clients, streams, iterators, pages, errors and all that hangs on them."""
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


def test_a_client_does_not_pickle_its_secrets(client: Make) -> None:
    """It is refused as a whole: locks and connections stay where they are."""
    with client() as logto, pytest.raises((TypeError, logferry.LogferryError)):
        pickle.dumps(logto)


def test_the_account_is_in_records_and_errors(client: Make, walk: Walk) -> None:
    """It is the service's name unless one is given."""
    with client(FAKE, account="login") as logto:
        assert logto.account == "login"
        assert next(walk(logto.audit_logs(until=UNTIL).records())).account == "login"
    with client(FAKE) as logto:
        assert logto.account == copy(logto).account == "logto"


def test_the_defaults_are_those_that_are_promised() -> None:
    """Connect 5 s, read 30 s, no deadline, 4 attempts, answers of up to 64 MiB."""
    assert CallOptions() == CallOptions(timeouts=Timeouts(connect=5, read=30), deadline=None)
    assert CallOptions().retries == RetryPolicy(attempts=4, first_delay=0.5, longest_delay=30, longest_retry_after=60)
    assert WireOptions(base_url="https://acme.logto.app").body_limit == 64 * 2**20


def test_the_account_of_a_client_cannot_be_changed(client: Make) -> None:
    """Whose logs they are is said once, so that threads may share it."""
    with client() as logto:
        loose: Any = logto
        with pytest.raises(AttributeError):
            loose.account = "other"
        assert logto.with_options(timeout=1).account == logto.account == "logto"


@pytest.mark.parametrize("options", [CallChanges, ClientOptions, StreamOptions])
def test_no_option_is_of_a_type_of_httpx(options: type) -> None:
    """Whoever sets options need not know which HTTP library there is; a transport may be any object."""
    assert "httpx" not in str(typing.get_type_hints(options))
