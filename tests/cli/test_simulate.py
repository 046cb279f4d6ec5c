import socket
import sys

import pytest
from tests.cli.conftest import Run


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.org", "::1"])  # noqa: S104  # refused is the point
def test_only_addresses_of_this_machine_are_served(run: Run, host: str) -> None:
    """Simulated services are not offered to the network."""
    result = run("simulate", "--host", host)
    assert result.exit_code == 2
    assert "for this machine only" in result.stderr


def test_a_port_in_use_is_one_line(run: Run) -> None:
    """The error about a port in use is one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("simulate", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: cannot listen on 127.0.0.1: Address already in use")


def test_a_missing_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, one line names it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run("simulate")
    assert result.exit_code == 2
    assert "pip install 'logferry[simulate]'" in result.stderr
    assert len(result.stderr.splitlines()) == 1
