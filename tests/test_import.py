"""``import logferry`` costs next to nothing and offers what it says."""

from __future__ import annotations

import subprocess
import sys

import pytest

import logferry
from logferry._accounts.registry import SERVICES, Service

COUNT = """
import sys
before = set(sys.modules)
import logferry
print("\\n".join(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The modules that the import loads in a fresh process."""
    return subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True).stdout.split()


def test_the_import_is_light(loaded: list[str]) -> None:
    """At most 40 modules, and nothing that is heavy."""
    assert len(loaded) <= 40
    heavy = {"httpx", "attrs", "attr", "orjson", "anyio", "dateutil", "ssl", "asyncio", "rich", "click"}
    assert heavy.isdisjoint(loaded)
    assert "logferry_clients" not in loaded


def test_a_blocking_client_loads_no_event_loop() -> None:
    """Nor what only tasks, mistakes and calendar ages need: they load it."""
    code = "import sys, logferry; logferry.Daily(api_key='x').api_logs(); print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "httpx" in loaded
    assert {"asyncio", "anyio.lowlevel", "difflib", "dateutil"}.isdisjoint(loaded)


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_loads_no_streams(service: Service) -> None:
    """Nor their models: most of a client's code comes with the first stream that is opened."""
    module, _, name = service.client_home.partition(":")
    code = f"import sys, {module}; {module}.{name}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert f"{module}._client" in loaded
    assert {
        f"{module}._streams",
        f"{module}._sessions",
        "logferry._streams.views",
        "logferry._concurrency.reader",
    }.isdisjoint(loaded)


@pytest.mark.parametrize("service", SERVICES)
def test_the_streams_of_a_client_are_there_when_they_are_asked_for(service: Service) -> None:
    """Of the class and of a client alike, and each time the same."""
    assert service.streams == service.client.streams
    assert {stream.name.partition(".")[0] for stream in service.streams} == {service.name}


def test_all_names_are_sorted_and_there() -> None:
    """What ``__all__`` says can be had, each name once."""
    assert logferry.__all__ == sorted(set(logferry.__all__))
    for name in logferry.__all__:
        assert getattr(logferry, name) is not None


def test_all_names_are_those_that_load_lazily() -> None:
    """The table of names and ``__all__`` agree."""
    assert set(vars(logferry)["_HOME"]) | {"__version__"} == set(logferry.__all__)


def test_names_are_listed_before_they_are_loaded() -> None:
    """``dir()`` and hence completion show them all."""
    code = "import logferry; print(set(logferry.__all__) <= set(dir(logferry)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "True"


def test_a_name_is_loaded_once() -> None:
    """Afterwards it is an ordinary attribute."""
    assert logferry.LogferryError is logferry.LogferryError
    assert "LogferryError" in vars(logferry)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As in any module."""
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(logferry, "Nothing")  # noqa: B009
