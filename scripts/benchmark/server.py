"""
A server of prepared bytes, in a separate process, so that the client's CPU does not include it.

The project's fake of the service renders each response once; after that the same request gets the same bytes.  The first round,
which is not measured, prepares them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress

from benchmark.questions import QUESTIONS
from logferry.testing import Fake, FakeRequest, FakeResponse


class _Prepared:
    """The responses of a fake, each rendered once."""

    def __init__(self, fake: Fake, delay: float) -> None:
        self._fake = fake
        self._delay = delay
        self._answers: dict[tuple[bytes, bytes], bytes] = {}

    def answer(self, head: bytes, body: bytes) -> bytes:
        line, _, rest = head.partition(b"\r\n")
        known = self._answers.get((line, body))
        if known is None:
            known = self._answers[line, body] = self._rendered(line, rest, body)
        return known

    def _rendered(self, line: bytes, rest: bytes, body: bytes) -> bytes:
        method, target, _ = line.decode("ascii").split(" ")
        headers = tuple(
            (name, value.strip())
            for name, _, value in (one.partition(":") for one in rest.decode("latin-1").split("\r\n") if one)
        )
        return _on_the_wire(self._fake.answer(FakeRequest(method, target, headers, body), self._fake.epoch))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
                _, _, length = head.lower().partition(b"\r\ncontent-length:")
                body = await reader.readexactly(int(length.partition(b"\r\n")[0])) if length else b""
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(self.answer(head, body))
                await writer.drain()
        writer.close()


def _on_the_wire(response: FakeResponse) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers if name.lower() != "content-length"]
    lines.append(f"Content-Length: {len(response.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body


async def run(records: dict[str, int], delay: float) -> None:
    """Serve each question on its own port, print the ports on stdout, and stop when stdin ends."""
    servers: list[asyncio.Server] = []
    for question in QUESTIONS:
        prepared = _Prepared(question.fake(records[question.name]), delay)
        servers.append(await asyncio.start_server(prepared.serve, "127.0.0.1", 0, limit=2**20))
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def served(records: dict[str, int], *, delay: float = 0.0) -> Generator[dict[str, str]]:
    """
    Run the server in a separate process; give the address of each question's service.

    Args:
        records: Records of each stream, by the question's name.
        delay: Seconds before each response.
    """
    command = [sys.executable, "-m", "benchmark.server", json.dumps(records), str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101  # for the type checkers: they are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            ports = process.stdout.readline().split()
            names = [question.name for question in QUESTIONS]
            yield {name: f"http://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}
        finally:
            process.stdin.close()
            process.terminate()


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1]), float(sys.argv[2])))
