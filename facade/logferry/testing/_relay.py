"""A TCP relay between a client and a served fake, for failures below HTTP."""

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
    What happens to a response on its way.

    Attributes:
        how: ``"reset"``: the connection is reset.  ``"close"``: it is closed, as if the response ended there.
            ``"stall"``: nothing more arrives, until the client hangs up.  ``"trickle"``: the rest arrives byte by byte.
        part: Where it happens: in the ``"head"`` (status line and headers), in the ``"body"``, or at the ``"end"``,
            after the client has received everything.
        after: Number of bytes of the part that arrive before it happens.
    """

    how: Literal["reset", "close", "stall", "trickle"]
    part: Literal["head", "body", "end"] = "head"
    after: int = 0


def random_disruptions(seed: int, *, rate: float = 0.5, among: int = 100) -> dict[int, Disruption]:
    """
    Draw disruptions of responses: connections that are reset or closed, never three in a row.

    Args:
        seed: Decides everything.
        rate: Share of the responses that are disrupted.
        among: Only responses with a lower number than this are disrupted.
    """
    chance = random.Random(f"relay {seed}")  # noqa: S311 - the same on every run
    hows: tuple[Literal["reset", "close"], ...] = ("reset", "close")
    parts: tuple[Literal["head", "body", "end"], ...] = ("head", "body", "end")
    numbers = [number for number in range(1, among) if number % 3 and chance.random() < rate]
    return {number: Disruption(chance.choice(hows), chance.choice(parts)) for number in numbers}


@contextmanager
def relay(url: str, disruptions: Mapping[int, Disruption]) -> Generator[str]:
    """
    Listen on a free loopback port while the block runs; forward requests and responses, and disrupt some of them.

    Connections stay open between responses, as servers keep them.

    Args:
        url: The target of the requests, as `serve` yields it; plain http.
        disruptions: The disruptions by response, counted from 1 over all connections.  A retry has a response too.

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
    """The relay's listening socket, and its connections, each in its own thread."""

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
        """Return the disruption of the next response."""
        with self._lock:
            return self._disruptions.get(next(self._numbers))

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Relay a connection until either side closes it."""
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
    server: "_Relay"  # pyright: ignore[reportIncompatibleVariableOverride]  # it serves no other type

    def handle(self) -> None:
        """Forward requests one after the other."""
        # Trickling bytes must not be coalesced.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        going = True
        while going:
            request = _read_request(self.request)
            going = bool(request) and self._deliver(self._ask(request), self.server.next_disruption())

    def _ask(self, request: bytes) -> bytes:
        """Return the whole response, which ends when the server closes; the request asks it to."""
        answer = b""
        with socket.create_connection(self.server.target) as upstream:
            upstream.sendall(_with_connection(request, b"Connection: close"))
            while chunk := upstream.recv(_CHUNK):
                answer += chunk
        return _with_connection(answer)

    def _deliver(self, answer: bytes, disruption: Disruption | None) -> bool:
        """Send a response; return whether the connection stays open."""
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
    """Return the next request with its body; empty after the client has hung up."""
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
    """Replace the header lines about the connection in a message."""
    head, end, body = message.partition(_HEAD_END)
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, *lines]) + end + body
