"""A TCP relay between a client and a fake that is served, for what goes wrong below HTTP."""

import os
import random
import socket
import socketserver
import struct
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import attrs

__all__ = ["Disruption", "random_disruptions", "relay"]

_HEAD_END: Final = b"\r\n\r\n"
_CHUNK: Final = 65536
_POLL_SECONDS: Final = 0.02
_NO_LINGER: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


@attrs.frozen
class Disruption:
    """
    What happens to an answer on its way.

    Attributes:
        how: ``"reset"``: the connection is reset.  ``"close"``: it is closed, as if the answer ended there.  ``"stall"``:
            nothing more comes, until the client hangs up.  ``"trickle"``: the rest comes byte by byte.
        part: Where it happens: in the answer's ``"head"`` (status line and headers), in its ``"body"``, or at its
            ``"end"``, when the client has all of it.
        after: So many bytes of the part come through before it happens.
    """

    how: Literal["reset", "close", "stall", "trickle"]
    part: Literal["head", "body", "end"] = "head"
    after: int = 0


def random_disruptions(seed: int, *, rate: float = 0.5, among: int = 100) -> dict[int, Disruption]:
    """
    Draw what happens to answers: connections that are reset or closed, never three in a row.

    Args:
        seed: Decides everything.
        rate: Share of the answers that are disrupted, of those that can be.
        among: So many answers can be.
    """
    chance = random.Random(f"relay {seed}")  # noqa: S311 - the same on every run
    hows: tuple[Literal["reset", "close"], ...] = ("reset", "close")
    parts: tuple[Literal["head", "body", "end"], ...] = ("head", "body", "end")
    numbers = [number for number in range(1, among) if number % 3 and chance.random() < rate]
    return {number: Disruption(chance.choice(hows), chance.choice(parts)) for number in numbers}


@contextmanager
def relay(url: str, disruptions: Mapping[int, Disruption]) -> Generator[str]:
    """
    Listen on a free loopback port while the block runs, and pass on requests and answers, some of them disrupted.

    Connections stay open between answers, as servers keep them.

    Args:
        url: Where the requests go, as `serve` yields it; plain http.
        disruptions: What happens to which answers, counted from 1 over all connections.  A retry has an answer too.

    Yields:
        The base URL of the relay, without a slash at the end.
    """
    with _Relay(url, disruptions) as server:
        thread = threading.Thread(target=server.serve_forever, args=[_POLL_SECONDS], name="logferry-relay", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.hang_up()
            thread.join()


class _Relay(socketserver.ThreadingTCPServer):
    """The relay's listening socket, and its connections, each in a thread of its own."""

    request_queue_size = 128

    def __init__(self, url: str, disruptions: Mapping[int, Disruption]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        parts = urlsplit(url)
        self.target = (parts.hostname or "", parts.port or 80)
        self._disruptions = disruptions
        self._numbers = count(1)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def next_disruption(self) -> Disruption | None:
        """What happens to the next answer."""
        with self._lock:
            return self._disruptions.get(next(self._numbers))

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Relay what comes over a connection, until either side has had enough of it."""
        with self._lock:
            self._open.add(request)
        try:
            with suppress(OSError):
                super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)

    def hang_up(self) -> None:
        """Wake the threads that wait for clients."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Connection(socketserver.BaseRequestHandler):
    """One connection of a client."""

    request: socket.socket
    server: "_Relay"  # pyright: ignore[reportIncompatibleVariableOverride]  # it serves no other

    def handle(self) -> None:
        """Pass on one request after the other."""
        # Bytes that trickle must not be gathered on the way.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        going = True
        while going:
            request = _read_request(self.request)
            going = bool(request) and self._deliver(self._ask(request), self.server.next_disruption())

    def _ask(self, request: bytes) -> bytes:
        """The whole answer: it ends where the server closes, which it is asked to do."""
        answer = b""
        with socket.create_connection(self.server.target) as upstream:
            upstream.sendall(_with_connection(request, b"Connection: close"))
            while chunk := upstream.recv(_CHUNK):
                answer += chunk
        return _with_connection(answer)

    def _deliver(self, answer: bytes, disruption: Disruption | None) -> bool:
        """Send an answer; whether the connection stays open."""
        if disruption is None:
            self.request.sendall(answer)
            return True
        body = answer.index(_HEAD_END) + len(_HEAD_END)
        start = {"head": 0, "body": body, "end": len(answer)}[disruption.part] + disruption.after
        self.request.sendall(answer[:start])
        match disruption.how:
            case "trickle":
                for number in range(start, len(answer)):
                    self.request.sendall(answer[number : number + 1])
                return True
            case "stall":
                self.request.recv(_CHUNK)
            case "reset":
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                self.request.close()
            case "close":
                pass
        return False


def _read_request(connection: socket.socket) -> bytes:
    """The next request with its body; empty once the client has hung up."""
    received = b""
    while _HEAD_END not in received:
        chunk = connection.recv(_CHUNK)
        if not chunk:
            return b""
        received += chunk
    head, _, body = received.partition(_HEAD_END)
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < sum(map(int, lengths)):
        chunk = connection.recv(_CHUNK)
        if not chunk:
            return b""
        body += chunk
    return head + _HEAD_END + body


def _with_connection(message: bytes, *lines: bytes) -> bytes:
    """A message with these lines in the place of those that say what becomes of the connection."""
    head, end, body = message.partition(_HEAD_END)
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, *lines]) + end + body
