"""scripts/: each script is described, and each description has its script."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"


def test_each_script_is_in_the_table() -> None:
    """The table of scripts/README.md has each runnable script, and no other."""
    runnable = {path.name for path in SCRIPTS.iterdir() if path.is_file() and not path.suffix and path.name[0] != "_"}
    table = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == runnable


def test_each_module_has_a_user() -> None:
    """Each Python file beside the scripts is run by a script or imported by another file."""
    files = [path for path in SCRIPTS.rglob("*") if path.is_file() and path.suffix in {"", ".py"}]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    for path in files:
        if path.suffix and path.stem != "__init__":
            name = path.stem.removeprefix("outside_") if path.stem.startswith("outside_") else path.stem
            assert any(re.search(rf"\b{name}\b", text) for other, text in texts.items() if other != path), path
