import socket
import sys

import pytest
from tests.cli.conftest import Run


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.org", "::1"])  # noqa: S104  # refused is the point
def test_this_machine_only(run: Run, host: str) -> None:
    """Made-up services are not offered to the network."""
    result = run("simulate", "--host", host)
    assert result.exit_code == 2
    assert "for this machine only" in result.stderr


def test_taken_port(run: Run) -> None:
    """A port that is taken is told in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("simulate", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: cannot listen on 127.0.0.1: Address already in use")


def test_missing_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra there is one line that names it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run("simulate")
    assert result.exit_code == 2
    assert "pip install 'logferry[simulate]'" in result.stderr
    assert len(result.stderr.splitlines()) == 1
