"""``import logferry`` is cheap and offers exactly its public names."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import logferry
from logferry._accounts.registry import SERVICES, Service

PINNED = {
    "logferry": """
        AuthenticationError BadRequestError CheckpointError Client Cognigy ConfigurationError ConnectionFailedError
        Daily DeadlineExceededError ExportError Ferry FerryFollow FerryRecords InvalidRequestError LogRecord
        LogferryError Logto MissingPackageError Page PagingError PermissionDeniedError Rate RateLimitError
        RequestTimeoutError ResponseShapeError RetryPolicy ServiceError SignalWire StoreError Stream Time Timeouts
        View __version__ open_accounts
    """,
    "logferry.extend": """
        DEBUG ERROR FATAL INFO LAST MILLISECOND REDACTED REMEMBERED SECOND STUCK TRACE WARN Attribute Attributes
        AuthenticationError Authorizer Batch Beginning Client ClientOptions ConfigurationError Connection CursorPage Delivered
        Doubts Evidence Flow Forward IdentityFields Incremental InvalidRequestError Key LogRecord Normalizer Origin
        PageTimes PagingError Position Rate Refusal Repaired Request Response ResponseShapeError Send Service
        ServiceResource Sessions Settings Stream StreamDefinition StreamOptions Streams SubFlow TimeField Window
        about_response api_key basic bearer believed client_credentials cursor_at cursor_walk decoded digest
        disagreement dumps exchange fetch filter_field flag forward_walk get header_link is_array is_foreign is_object
        is_secret_name keys_of known_times link_query loads make_record mapped now number_to_nano plausible present
        printable public_url restarted rfc3339 shortage shown_at text_in text_to_nano to_deliver without_secrets
        wrong_shape
    """,
    "logferry.hooks": """
        FailureEvent IssueEvent PageEvent RequestEvent RetryEvent
    """,
    "logferry.results": """
        Arrival Skipped Stats
    """,
    "logferry.specs": """
        Accepted Change Checked Difference Drift Generated New Sighting check diff drift generate load new
    """,
    "logferry.testing": """
        ALL FATAL PASSING QUIET Change Clock CognigyFake Comparison DailyFake Differences Disruption Fake FakeRequest
        FakeResponse Faults Hosts InProcessTransport Kind Listed LogtoFake MakeAccount MakeClient Outcome Recorder Row
        Schedule SignalWireFake SpecChecker StreamFake VirtualClock asgi configuration connected cut emptied failing first_of html_page late
        random_rows relay require_server reset serve serve_all serve_until_interrupted shortened stale
    """,
}
"""The public names of each module; a change of a name is a decision and a line in CHANGELOG."""

PUBLIC = tuple(PINNED)

COUNT = """
import sys
before = set(sys.modules)
import logferry
print("\\n".join(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """Return the modules that the import loads in a fresh process."""
    return subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True).stdout.split()


def test_the_import_is_light(loaded: list[str]) -> None:
    """The import loads at most 40 modules, and none that is slow."""
    assert len(loaded) <= 40
    heavy = {"httpx", "attrs", "attr", "orjson", "anyio", "dateutil", "ssl", "asyncio", "rich", "click"}
    assert heavy.isdisjoint(loaded)
    assert "logferry_clients" not in loaded


def test_a_blocking_client_loads_no_event_loop() -> None:
    """It also loads no code that only tasks, errors or calendar ages need."""
    code = "import sys, logferry; logferry.Daily(api_key='x').api_logs(); print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "httpx" in loaded
    assert {"asyncio", "anyio.lowlevel", "difflib", "dateutil"}.isdisjoint(loaded)


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_loads_no_streams(service: Service) -> None:
    """Nor does it load their models: most code of a client comes with the first opened stream."""
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
def test_streams_are_loaded_on_first_use(service: Service) -> None:
    """Class and client both give the stream methods, the same each time."""
    assert service.streams == service.client.streams
    assert {stream.name.partition(".")[0] for stream in service.streams} == {service.name}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_pinned(name: str) -> None:
    """The names that programs and services import change only on purpose."""
    assert importlib.import_module(name).__all__ == PINNED[name].split()


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_sorted_and_importable(name: str) -> None:
    """Every name in ``__all__`` can be imported, and is listed once."""
    module = importlib.import_module(name)
    assert module.__all__ == sorted(set(module.__all__), key=lambda one: (not one.isupper(), one.islower(), one))
    for one in module.__all__:
        assert getattr(module, one) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_lazy_names_match_those_of_type_checkers(name: str) -> None:
    """A lazy name is imported under ``TYPE_CHECKING`` from the module it is loaded from."""
    module = importlib.import_module(name)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    for node in imports:
        for alias in node.names:
            if alias.name in module.__all__:
                assert getattr(importlib.import_module(str(node.module)), alias.name) is getattr(module, alias.name)
    imported = {alias.name for node in imports for alias in node.names}
    assert set(module.__all__) <= imported


@pytest.mark.parametrize("name", PUBLIC)
def test_dir_lists_lazy_names(name: str) -> None:
    """``dir()`` and hence completion show lazy names before they are loaded."""
    code = f"import {name} as module; print(set(module.__all__) <= set(dir(module)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "True"


def test_a_lazy_name_is_loaded_once() -> None:
    """After its first use a lazy name is an ordinary attribute."""
    assert logferry.LogferryError is logferry.LogferryError
    assert "LogferryError" in vars(logferry)


@pytest.mark.parametrize("name", PUBLIC)
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    """An unknown name raises as in any module."""
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'Nothing'$"):
        getattr(importlib.import_module(name), "Nothing")  # noqa: B009


@pytest.mark.parametrize(
    ("name", "home"), [("PageEvent", "logferry.hooks"), ("Stats", "logferry.results"), ("Clock", "logferry.testing")]
)
def test_the_error_for_a_moved_name_says_where_it_is(name: str, home: str) -> None:
    """A name of earlier releases raises an error with its present module."""
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; it is in {home}$"):
        getattr(logferry, name)
    assert getattr(importlib.import_module(home), name) is not None
