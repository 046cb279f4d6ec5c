"""All type checkers read the public types in the same way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("package", ["logferry", "logferry_clients"])
def test_every_public_symbol_has_a_known_type(package: str, tmp_path: Path) -> None:
    """No type is left to inference, which differs between checkers: ``pyright --verifytypes`` gives 100 %."""
    # With --verifytypes pyright ignores --pythonpath and uses the first Python on the PATH.
    tools = Path(sys.executable).parent
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [str(tools / "pyright"), "--verifytypes", package, "--ignoreexternal", "--outputjson"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["typeCompleteness"]
    incomplete = [one["name"] for one in found["symbols"] if not one["isTypeKnown"] or one["isTypeAmbiguous"]]
    assert found["symbols"]
    assert (incomplete, found["completenessScore"]) == ([], 1), done.stderr
