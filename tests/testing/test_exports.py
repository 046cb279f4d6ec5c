"""The public names of `logferry.testing`."""

import subprocess
import sys

import pytest

import logferry.testing


def test_names_are_sorted_and_exist() -> None:
    """Every public name is there, in order, constants first, and listed."""
    names = logferry.testing.__all__
    assert sorted(names, key=lambda name: (not name.isupper(), name)) == names
    assert all(getattr(logferry.testing, name) is not None for name in names)
    assert set(names) <= set(dir(logferry.testing))


def test_unknown_name() -> None:
    """A name that does not exist is an attribute error, as everywhere."""
    with pytest.raises(AttributeError, match="nothing"):
        _ = logferry.testing.nothing


def test_fakes_need_no_http_library() -> None:
    """A fake answers without httpx, anyio or uvicorn being loaded."""
    program = """
import sys
from logferry.testing import FakeRequest, LogtoFake
fake = LogtoFake()
request = FakeRequest("GET", "/api/logs", (("Authorization", f"Bearer {fake.access_token()}"),))
assert fake.answer(request, fake.epoch).status == 200
assert fake.violations(request) == []
print(sorted({"httpx", "anyio", "uvicorn"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
