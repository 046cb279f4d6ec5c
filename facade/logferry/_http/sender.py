"""Sends requests over HTTP and returns responses as data; failures become logferry's own errors."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from functools import lru_cache
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
from attrs import frozen

from logferry._errors import (
    ConnectionFailedError,
    InvalidRequestError,
    LogferryError,
    RequestTimeoutError,
    ResponseShapeError,
)
from logferry._http.body import ENCODINGS, Body
from logferry._http.defects import is_defect
from logferry._http.messages import Response, Send, header_of, header_values
from logferry._http.pool import Pool, Running
from logferry._http.transports import Bounds, Incoming, Outgoing
from logferry._json import dumps
from logferry._redaction import printable, public_url, without_credentials
from logferry._time.clock import Clock
from logferry._version import __version__

if TYPE_CHECKING:
    from logferry._http.options import Timeouts

_HEADERS = (
    (b"User-Agent", f"logferry/{__version__} python-httpx/{httpx.__version__}".encode("ascii")),
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", ENCODINGS.encode("ascii")),
    (b"Cache-Control", b"no-cache"),  # no cache may answer without asking the service
)
"""Headers of every request."""


@frozen
class Sender:
    """Sends requests through a pool's connections, each attempt within the timeouts."""

    pool: Pool
    clock: Clock
    timeouts: Timeouts

    def start(self, work: Callable[[], None]) -> Running:
        """Start work in a thread of its own."""
        return self.pool.start(work)

    def perform(self, send: Send[Any]) -> Response[Any]:
        """Send, and read the whole response, blocking the thread."""
        transport = self.pool.blocking()
        outgoing = self._outgoing(send)
        end = monotonic() + outgoing.bounds.whole
        with _Failures(outgoing):
            try:
                incoming = transport.send(outgoing)
            finally:
                self._count(send)
            try:
                body = self._body(incoming)
                for chunk in incoming.chunks:
                    body.add(chunk)
                    # A custom transport may time out per chunk only, so check the total.
                    if monotonic() > end:
                        raise TimeoutError
                content = body.complete(_announced(incoming))
            finally:
                incoming.close()
        return self._response(send, outgoing, incoming, content)

    async def aperform(self, send: Send[Any]) -> Response[Any]:
        """Send, and read the whole response, blocking only the task."""
        from anyio import fail_after  # noqa: PLC0415  # blocking programs need not load it

        transport = self.pool.tasks()
        outgoing = self._outgoing(send)
        with _Failures(outgoing), fail_after(None if transport.bounds_the_whole else outgoing.bounds.whole):
            try:
                incoming = await transport.send(outgoing)
            finally:
                self._count(send)
            try:
                body = self._body(incoming)
                async for chunk in incoming.chunks:
                    body.add(chunk)
                content = body.complete(_announced(incoming))
            finally:
                await incoming.close()
        return self._response(send, outgoing, incoming, content)

    def _count(self, send: Send[Any]) -> None:
        if send.turn is not None:
            send.turn.over(self.clock.now())

    def _body(self, incoming: Incoming[Any, Any]) -> Body:
        encoding = ", ".join(header_values(incoming.headers, "content-encoding"))
        return Body(encoding, limit=self.pool.options.body_limit)

    def _outgoing(self, send: Send[Any]) -> Outgoing:
        request = send.request
        headers = [*_HEADERS]
        for name, value in (*request.headers, *send.headers):
            if not (value.isascii() and value.isprintable()):
                raise InvalidRequestError(
                    f"the header {name} holds a character that cannot be sent", hint="Check the credentials"
                )
            headers.append((name.encode("ascii"), value.encode("ascii")))
        content: bytes | None = None
        if request.form is not None:
            headers.append((b"Content-Type", b"application/x-www-form-urlencoded"))
            content = urlencode(request.form).encode("ascii")
        elif request.json is not None:
            if header_of(headers, "content-type") is None:
                headers.append((b"Content-Type", b"application/json"))
            content = dumps(request.json)
        url = f"{self.pool.options.base_url}{request.path}"
        try:
            query = "&".join(map(_quoted, request.params))
        except UnicodeError as error:
            raise InvalidRequestError(
                "the request holds a character that cannot be sent", hint="Check the filters"
            ).about(method=request.method, url=request.path) from error
        timeouts = self.timeouts
        whole = timeouts.whole if send.timeout is None else min(timeouts.whole, send.timeout)
        return Outgoing(
            request.method,
            f"{url}?{query}" if query else url,
            headers,
            content,
            Bounds(timeouts.connect, timeouts.read, whole),
        )

    def _response(
        self, send: Send[Any], outgoing: Outgoing, incoming: Incoming[Any, Any], content: bytes
    ) -> Response[Any]:
        if incoming.status != HTTPStatus.OK:
            # Error bodies are copied into messages, and some services echo credentials.
            content = without_credentials(content, send.headers)
        return Response(
            request=send.request,
            url=outgoing.url,
            status=incoming.status,
            headers=incoming.headers,
            content=content,
            received_unix_nano=self.clock.now(),
            request_id=printable(header_of(incoming.headers, self.pool.options.request_id_header) or "") or None,
        )


@lru_cache(maxsize=512)
def _quoted(param: tuple[str, str]) -> str:
    """A parameter of a query; most are the same for every page."""
    return urlencode((param,), quote_via=quote)


@frozen
class _Failures:
    """A context in which failures to get a response become logferry's own errors."""

    outgoing: Outgoing

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is None or is_defect(error):
            return
        failure = error if isinstance(error, LogferryError) else _failure(error, urlsplit(self.outgoing.url).netloc)
        if failure is None:
            return
        failure.about(method=self.outgoing.method, url=public_url(self.outgoing.url), attempts=1)
        if failure is not error:
            raise failure from error


def _failure(error: BaseException, host: str) -> LogferryError | None:
    """Return the logferry error for a transport failure; ``None`` for exceptions that are not transport failures."""
    failure: LogferryError | None
    match error:
        case httpx.TimeoutException() | TimeoutError():
            phase = "to connect" if isinstance(error, httpx.ConnectTimeout) else "to answer"
            failure = RequestTimeoutError(f"{host} took too long {phase}", hint="Try again, or set a longer timeout")
        case httpx.DecodingError():
            failure = ResponseShapeError("the answer's compression is damaged")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL():
            failure = InvalidRequestError(f"the request cannot be sent ({type(error).__name__})")
        case httpx.ConnectError() | httpx.ProxyError():
            reason, hint = _reason(error)
            failure = ConnectionFailedError(f"cannot connect to {host}: {reason}", hint=hint)
            failure.refused = any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))
        case UnicodeError():
            failure = InvalidRequestError(f"{host} is no name of a host")
        case httpx.HTTPError() | httpx.StreamError() | OSError():
            failure = ConnectionFailedError(
                f"the connection to {host} broke: {printable(str(error)) or type(error).__name__}"
            )
        case _:
            failure = None
    return failure


def _reason(error: Exception) -> tuple[str, str]:
    """Why there is no connection, and what to do about it."""
    reason = printable(str(error)) or type(error).__name__
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = printable(getattr(cause, "verify_message", "")) or reason
            return f"its certificate is not trusted: {reason}", _CERTIFICATE_HINT
        if isinstance(cause, ssl.SSLError):
            return reason, "Check that the address and its port are those of https"
    return reason, "Check the address and the network"


_CERTIFICATE_HINT: Final = (
    "If its authority is one of your own, name its certificates: verify=, or SSL_CERT_FILE in the environment"
)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, its causes, and the members of exception groups, such as one error for each address of a host."""
    while error is not None:
        yield error
        parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
        for one in parts:
            yield from _causes(one)
        error = error.__cause__ or error.__context__


def _announced(incoming: Incoming[Any, Any]) -> str | None:
    """The Content-Length of a 200 response; a non-200 response without a body may still have one."""
    return header_of(incoming.headers, "content-length") if incoming.status == HTTPStatus.OK else None
