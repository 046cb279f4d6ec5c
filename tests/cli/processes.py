"""
The command in a process of its own that starts quickly: a fork of a process that has loaded it already.

An import of the command and its stores takes more CPU time than most tests. A test of the start itself (an interrupted import,
closed standard streams, encodings, limits) starts an interpreter instead.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

_SET_CHILD_SUBREAPER: Final = 36

_PROGRAM: Final = """
import gc, importlib, io, json, os, signal, socket, sys, time

for name in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(name, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

from logferry.cli import main
from logferry._accounts.registry import SERVICES

for name in ("httpx", "duckdb", "pyarrow.parquet", "logferry.sync", "logferry.stores", "rich.console", "rich.table"):
    importlib.import_module(name)
[service.streams for service in SERVICES]
gc.freeze()


def stream(descriptor, like):
    raw = io.FileIO(descriptor, like.mode, closefd=False)
    buffered = io.BufferedReader(raw) if like.mode == "r" else io.BufferedWriter(raw)
    text = io.TextIOWrapper(buffered, like.encoding, like.errors, newline=None if like.mode == "r" else "\\n",
                            line_buffering=like is sys.stderr or raw.isatty())
    raw.name = like.name
    text.mode = like.mode
    return text


def begun():
    # Return in the process that runs the command.
    requests = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, 1 << 20, 3)
        if not message:
            os._exit(0)
        reader, writer = os.pipe()
        between = os.fork()
        if not between:
            # The parent of a process whose parent has ended is the tests' process, which waits for it.
            pid = os.fork()
            if not pid:
                os.close(reader)
                os.close(writer)
                requests.close()
                return json.loads(message), descriptors
            os.write(writer, b"%d" % pid)
            os._exit(0)
        os.waitpid(between, 0)
        os.close(writer)
        requests.send(os.read(reader, 100))
        os.close(reader)
        for descriptor in descriptors:
            os.close(descriptor)


(arguments, environment, folder), descriptors = begun()
for number, descriptor in enumerate(descriptors):
    os.dup2(descriptor, number)
    os.close(descriptor)
sys.stdin, sys.stdout, sys.stderr = map(stream, (0, 1, 2), (sys.stdin, sys.stdout, sys.stderr))
sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
os.environ.clear()
os.environ.update(environment)
time.tzset()
os.chdir(folder)
sys.argv[1:] = arguments
main(prog_name="logferry")
"""


class _Template:
    """The process that has loaded the command, started when it is first needed."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, arguments: list[str], environment: dict[str, str], folder: str, descriptors: list[int]) -> int:
        """Return the process ID of a new child of this process, which runs the command with these standard streams."""
        if self._requests is None:
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            self._requests, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with other:
                command = [sys.executable, "-c", _PROGRAM, str(other.fileno())]
                self._process = subprocess.Popen(command, pass_fds=[other.fileno()])
            atexit.register(self.end)
        request = json.dumps([arguments, environment, folder]).encode()
        socket.send_fds(self._requests, [request], descriptors)
        return int(self._requests.recv(100))

    def end(self) -> None:
        """End the process."""
        if self._requests is not None and self._process is not None:
            self._requests.close()
            self._process.wait()
            self._requests = self._process = None


_TEMPLATE: Final = _Template()


class Started(subprocess.Popen[bytes]):
    """A process of the command that ends with its block, also on failure."""

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(None, None, None)


class Forked(Started):
    """The same, as a fork; arguments are those of the command."""

    def _execute_child(self, args: list[str], *others: Any) -> None:
        # The step of Popen that starts a process; its pipes, signals and waiting stay as they are.
        _executable, _prepare, _close, _pass, cwd, env, _info, _flags, _shell, *pipes = others
        stdin, _, _, stdout, _, stderr = pipes[:6]
        given = [own if one == -1 else one for own, one in enumerate((stdin, stdout, stderr))]
        self.pid = _TEMPLATE.fork(args, dict(env or os.environ), str(cwd or Path.cwd()), given)
        self._child_created = True
        popen: Any = self  # typeshed lacks the method
        popen._close_pipe_fds(*pipes[:6])  # noqa: SLF001  # of the base class
