"""The templates, with a spec that has more kinds of values than the services."""

from __future__ import annotations

import copy
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
WHOLE: dict[str, Any] = {
    "items": [{"id": "1", "next": "2", "class": 1.5, "other": {"x": 1, "y": None}}],
    "next": None,
    "anything": [None],
    "state": "up",
    "ok": True,
    "count": 1,
    "maybe": {"id": "1"},
    "either": [{"id": "1"}],
    "by_name": {"a": {"id": "1"}},
    "tags": ["a"],
    "grid": [[1, 1.5], []],
    "level": None,
    "further": 1,
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "up", "down"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "x", "class", "a"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def pages(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a page in which some values are replaced or removed."""
    changed = draw(st.dictionaries(st.sampled_from(list(WHOLE)), VALUES, max_size=3))
    removed = draw(st.sets(st.sampled_from(list(WHOLE)), max_size=2))
    return {key: value for key, value in {**WHOLE, **changed}.items() if key not in removed}


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Return the models of the client generated from the test spec, importable during the test."""
    folder = tmp_path_factory.mktemp("probe")
    shutil.copytree(Path(__file__).with_name("probe"), folder / "specs/probe")
    command: list[str | Path] = [
        sys.executable,
        ROOT / "scripts/regenerate.py",
        "--specs",
        folder / "specs",
        "--output",
        folder,
    ]
    subprocess.run(command, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder / "logferry_clients"), *sys.path])
        return importlib.import_module("probe.models")


def test_generated_code_is_strictly_typed(probe: ModuleType) -> None:
    """The client generated from any spec passes mypy's strict mode."""
    package = Path(str(probe.__file__)).parents[1]
    command: list[str | Path] = [sys.executable, "-m", "mypy", "--strict", "--config-file="]
    command += ["--cache-dir", package / ".mypy", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Success" in done.stdout, done.stdout


def test_a_request_has_every_kind_of_parameter(probe: ModuleType) -> None:
    """Lists repeat their name, numbers and booleans become strings, headers are separate."""
    del probe
    list_items = importlib.import_module("probe.api.items.list_items")
    request = list_items.request(room="a/b", field_n=1, type_=["error", "warn"], filter_="f", ratio=0.5, x_key="k")
    assert request.path == "/rooms/a%2Fb/items/1"
    assert request.params == (("type", "error"), ("type", "warn"), ("filter", "f"), ("ratio", "0.5"))
    assert request.headers == (("X-Key", "k"),)


def test_every_kind_of_value_round_trips(probe: ModuleType) -> None:
    """Nested models, maps, unions, nulls and additional values survive as models."""
    page = probe.Page.from_dict(copy.deepcopy(WHOLE))
    assert page.to_dict() == WHOLE
    assert page.items[0].additional_properties["other"].x == 1
    assert page.either == [probe.Item("1")]
    assert page.by_name["a"] == page.maybe == probe.Item("1")


def test_every_kind_of_value_has_a_short_repr(probe: ModuleType) -> None:
    """Objects show their names, lists their length, untyped values their kind, nested models their own repr."""
    text = repr(probe.Page.from_dict(copy.deepcopy(WHOLE)))
    assert len(text) <= 300
    for part in (
        "items=<1 items>",
        "anything=<1 items>",
        "by_name={'a'}",
        "maybe=Item(id='1')",
        "state='up'",
        "next_=None",
    ):
        assert part in text


@given(value=pages())
def test_every_kind_of_value_is_repaired(probe: ModuleType, value: dict[str, Any]) -> None:
    """The repair is valid, becomes a model, has issues exactly if the value is invalid, and copies its input."""
    before = copy.deepcopy(value)
    repaired = probe.repair_page(value)
    assert before == value
    assert probe.fits_page(repaired.value)
    assert (repaired.issues == ()) == probe.fits_page(value)
    assert repaired.value == probe.Page.from_dict(repaired.value).to_dict()


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"items": [{"id": "1"}, 7]}, ("items[1]: expected object, got number",)),
        ({"items": [{"id": 2}]}, ("items[0].id: expected string, got number",)),
        ({"state": "sideways"}, ("state: expected down | up, got string",)),
        ({"by_name": {"a": None}}, ("by_name.a: expected object, got null",)),
        ({"level": "high"}, ("level: expected integer or null, got string",)),
        ({"count": 1.5}, ("count: expected integer, got number",)),
    ],
)
def test_issues_name_the_path(probe: ModuleType, change: dict[str, Any], issue: tuple[str, ...]) -> None:
    """An issue has the path to the value and the expected type, not the value."""
    assert issue == probe.repair_page({**WHOLE, **change}).issues
