"""What a service sends takes time and memory in proportion to its size, however it is made and wherever the network cuts."""

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
    """Bytes that no compression makes smaller."""
    return random.Random(1).randbytes(size)  # noqa: S311  # the same on every run


def steps(work: Callable[[], object]) -> float:
    """How long something takes, in seconds of the processor: the least of some times."""
    times: list[float] = []
    for _ in range(3):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def endless_text(size: int) -> bytes:
    """Nested too deeply, and behind it a text of quotes without an end."""
    return b"[" * 2000 + b'"' + b'\\"' * size


def endless_texts(size: int) -> bytes:
    """The same, with texts that end, and one that ends in a backslash."""
    return b"[" * 2000 + b'"a\\\\",' * size + b'"' + b"\\" * (2 * size + 1)


def ended_too_early(size: int) -> bytes:
    """Nothing but ends."""
    return b"[" * 2000 + b"]" * size


@pytest.mark.parametrize("make", [endless_text, endless_texts, ended_too_early])
def test_the_tolerant_reader_takes_time_in_proportion(make: Callable[[int], bytes]) -> None:
    """Sixteen times as much text takes about sixteen times as long, not 256 times."""

    def read(size: int) -> Callable[[], object]:
        content = make(size)

        def work() -> None:
            with suppress(ValueError):
                tolerant_loads(content)

        return work

    assert steps(read(16 * 4000)) < 64 * steps(read(4000))


def nothing(units: int) -> bytes:
    """Blocks of deflate that expand to nothing."""
    return b"\x00\x00\x00\xff\xff" * units


def noise_in_gzip(units: int) -> bytes:
    """What no compression makes smaller."""
    return gzip.compress(noise(5 * units))


def much_noise_in_gzip(units: int) -> bytes:
    """The same, of more bytes."""
    return gzip.compress(noise(300 * units), 1)


def members(units: int) -> bytes:
    """Many gzip files, one behind the other, each of nothing."""
    return gzip.compress(b"") * (units // 4)


def spaces(units: int) -> bytes:
    """What is not compressed."""
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
def test_bodies_take_time_in_proportion(encoding: str, make: Callable[[int], bytes], size: int) -> None:
    """Sixteen times as much takes about sixteen times as long, wherever the network cuts."""

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


def test_a_body_in_tiny_chunks_takes_no_more_memory_than_itself() -> None:
    """Chunks of two bytes are not kept as they came."""
    tracemalloc.start()
    try:
        body = Body("", limit=MIB)
        for number in range(50_000):
            body.add(b"%02d" % (number % 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400_000
