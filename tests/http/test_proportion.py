"""Decoding takes time and memory in proportion to the size of an answer, with any content and any chunks."""

from __future__ import annotations

import gzip
import random
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

import logferry
from logferry._http.body import Body
from logferry._json import tolerant_loads

MIB = 1024 * 1024


def noise(size: int) -> bytes:
    """Return incompressible bytes."""
    return random.Random(1).randbytes(size)  # noqa: S311  # the same on every run


def steps(work: Callable[[], object]) -> float:
    """Return the least processor time in seconds over several runs."""
    times: list[float] = []
    for _ in range(3):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def endless_text(size: int) -> bytes:
    """Return values nested too deeply, followed by an unterminated string of quotes."""
    return b"[" * 2000 + b'"' + b'\\"' * size


def endless_texts(size: int) -> bytes:
    """Return the same with terminated strings, and one that ends in a backslash."""
    return b"[" * 2000 + b'"a\\\\",' * size + b'"' + b"\\" * (2 * size + 1)


def ended_too_early(size: int) -> bytes:
    """Return closing brackets only."""
    return b"[" * 2000 + b"]" * size


@pytest.mark.parametrize("make", [endless_text, endless_texts, ended_too_early])
def test_the_tolerant_reader_takes_linear_time(make: Callable[[int], bytes]) -> None:
    """Sixteen times the text takes about sixteen times as long, not 256 times."""

    def read(size: int) -> Callable[[], object]:
        content = make(size)

        def work() -> None:
            with suppress(ValueError):
                tolerant_loads(content)

        return work

    assert steps(read(16 * 4000)) < 64 * steps(read(4000))


def nothing(units: int) -> bytes:
    """Return deflate blocks that expand to nothing."""
    return b"\x00\x00\x00\xff\xff" * units


def noise_in_gzip(units: int) -> bytes:
    """Return incompressible content."""
    return gzip.compress(noise(5 * units))


def much_noise_in_gzip(units: int) -> bytes:
    """Return incompressible content of a larger size."""
    return gzip.compress(noise(300 * units), 1)


def members(units: int) -> bytes:
    """Return many empty gzip members in a row."""
    return gzip.compress(b"") * (units // 4)


def spaces(units: int) -> bytes:
    """Return uncompressed content."""
    return b" " * 5 * units


@pytest.mark.parametrize(
    ("encoding", "make", "size"),
    [
        ("deflate", nothing, 1),
        ("deflate", nothing, 2),
        ("gzip", noise_in_gzip, 1),
        ("gzip", members, 1 << 30),
        ("gzip", much_noise_in_gzip, 1 << 30),
        ("", spaces, 2),
    ],
)
def test_bodies_take_linear_time(encoding: str, make: Callable[[int], bytes], size: int) -> None:
    """Sixteen times the bytes take about sixteen times as long, with any chunks."""

    def read(units: int) -> Callable[[], object]:
        content = make(units)
        chunks = [content[start : start + size] for start in range(0, len(content), size)]

        def work() -> None:
            body = Body(encoding, limit=64 * MIB)
            for chunk in chunks:
                body.add(chunk)
            with suppress(logferry.ConnectionFailedError):
                body.complete(None)

        return work

    assert steps(read(16 * 4000)) < 64 * steps(read(4000))


def test_a_body_in_tiny_chunks_takes_its_own_memory() -> None:
    """Chunks of two bytes are joined, not kept one by one."""
    tracemalloc.start()
    try:
        body = Body("", limit=MIB)
        for number in range(50_000):
            body.add(b"%02d" % (number % 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400_000
