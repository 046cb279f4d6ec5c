"""The loopback adapter: fakes on uvicorn, each on its own port."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from logferry._extras import require
from logferry.testing._asgi import asgi
from logferry.testing._http import Fake
from logferry.testing._recorder import Recorder

if TYPE_CHECKING:
    import uvicorn

__all__ = ["require_server", "serve", "serve_all", "serve_until_interrupted"]

_STOP_SECONDS = 10


def require_server() -> None:
    """
    Check that the packages of the loopback server are installed, without importing them.

    Raises:
        MissingPackageError: uvicorn is missing; it comes with the extra ``logferry[simulate]``.
    """
    require("uvicorn", "the loopback server")


@contextmanager
def serve(
    fake: Fake | Recorder, *, host: str = "127.0.0.1", port: int = 0, clock: Callable[[], int] | None = None
) -> Generator[str]:
    """
    Serve a fake over HTTP while the block runs, in its own thread.

    Args:
        fake: The fake; wrap it in a `Recorder` to see its requests.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        clock: Returns the time in nanoseconds since 1970-01-01 UTC, such as `time.time_ns`. Default: it stands still
            at the fake's epoch. A `Recorder` has its own.

    Yields:
        The base URL, without a slash at the end.

    Raises:
        MissingPackageError: uvicorn is missing; it comes with the extra ``logferry[simulate]``.
    """
    with serve_all([fake], host=host, ports=[port], clock=clock) as (url,):
        yield url


@contextmanager
def serve_all(
    fakes: Sequence[Fake | Recorder],
    *,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (),
    clock: Callable[[], int] | None = None,
) -> Generator[tuple[str, ...]]:
    """
    Serve several fakes, one port each; otherwise as `serve`.

    Args:
        fakes: The fakes.
        host: Address to listen on.
        ports: Ports in the order of `fakes`. Default: free ones.
        clock: As in `serve`, for all of them.

    Yields:
        The base URLs in the order of `fakes`.
    """
    recorders = [fake if isinstance(fake, Recorder) else Recorder(fake, clock=clock) for fake in fakes]
    servers = [_server(recorder) for recorder in recorders]
    sockets: list[socket.socket] = []
    try:
        # Listening starts here: the URLs work at once, and a port in use raises an error in the caller.
        for port in ports or [0] * len(servers):
            sockets.append(_listen(host, port))  # noqa: PERF401 - those before one that fails get closed
        urls = tuple(f"http://{host}:{listening.getsockname()[1]}" for listening in sockets)
        thread = threading.Thread(target=_run, args=(servers, sockets), name="logferry-fakes", daemon=True)
        thread.start()
        try:
            yield urls
        finally:
            for server in servers:
                server.should_exit = True
            thread.join(_STOP_SECONDS)
    finally:
        for listening in sockets:
            listening.close()


def serve_until_interrupted(
    fakes: Sequence[Fake | Recorder],
    *,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (),
    clock: Callable[[], int] | None = None,
    ready: Callable[[tuple[str, ...]], None] | None = None,
) -> None:
    """
    Serve fakes until Ctrl-C; otherwise as `serve_all`.

    Args:
        fakes: The fakes.
        host: Address to listen on.
        ports: Ports in the order of `fakes`. Default: free ones.
        clock: As in `serve`, for all of them.
        ready: Called with the base URLs once they work.
    """
    with suppress(KeyboardInterrupt), serve_all(fakes, host=host, ports=ports, clock=clock) as urls:
        if ready is not None:
            ready(urls)
        threading.Event().wait()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio disables Nagle's algorithm only for sockets with a named protocol; with it, every response sent in two
    # parts waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _server(recorder: Recorder) -> "uvicorn.Server":
    require_server()
    import uvicorn  # noqa: PLC0415 - an extra, and heavy

    config = uvicorn.Config(
        asgi(recorder),
        http="h11",  # keeps the case of header names
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,  # the fake sends the headers of the service, Date included
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _run(servers: Sequence["uvicorn.Server"], sockets: Sequence[socket.socket]) -> None:
    async def run_all() -> None:
        await asyncio.gather(
            *(server.serve(sockets=[listening]) for server, listening in zip(servers, sockets, strict=True))
        )

    asyncio.run(run_all())
