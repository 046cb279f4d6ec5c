"""Services of other packages: found by their entry points, left out where a package does not work."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import logferry
from logferry import ConfigurationError, InvalidRequestError
from logferry._accounts import registry
from logferry.cli import main
from logferry.testing import configuration
from logferry.testing._registry import service_of

ACORN: Final = Path(__file__).parents[1] / "extend/acorn.py"
GOOD: Final = """
from logferry.extend import Service
SERVICE = Service(name="acorn", client_home="{module}_client:Acorn")
"""
FAKE: Final = """
class AcornFake:
    epoch, settings, streams = 1_767_225_600_000_000_000, {"api_key": "k"}, ("acorn.events",)
    def __init__(self, **options): pass
    def questions(self, stream): return ({},)
"""


class Install(Protocol):
    """Installs a distribution with a module and an entry point."""

    def __call__(self, module: str, source: str, *, name: str = "acorn", client: str | None = None) -> None:
        """Install it; the module of its client is *client*."""
        ...


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs distributions for this process and its children."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")

    def installed(module: str, source: str, *, name: str = "acorn", client: str | None = None) -> None:
        own = ACORN.read_text(encoding="utf-8") if client is None else client
        (tmp_path / f"{module}_client.py").write_text(own, encoding="utf-8")
        (tmp_path / f"{module}.py").write_text(source.format(module=module), encoding="utf-8")
        folder = tmp_path / f"{module}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
        points = f"[logferry.services]\n{name} = {module}:SERVICE\n"
        (folder / "entry_points.txt").write_text(points, encoding="utf-8")

    registry.forget()
    yield installed
    registry.forget()
    for one in [*sys.modules]:
        if one.startswith("dist_"):
            del sys.modules[one]


def shell(*words: str) -> tuple[int, str, str]:
    """Run the shell command; return exit code, stdout and stderr."""
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.stdout, result.stderr


def test_a_service_of_another_package_is_known_everywhere(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Accounts, streams, completion and the test kit know it as they know a built-in one."""
    install("dist_acorn", GOOD.replace('Acorn")', 'Acorn", fake_home="{module}_fake:AcornFake")'))
    (tmp_path / "dist_acorn_fake.py").write_text(FAKE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACORN_API_KEY", "key")
    monkeypatch.setenv("ACORN_BASE_URL", "http://127.0.0.1:9")
    with logferry.open_accounts() as ferry:
        assert "acorn.events" in repr(ferry.records(streams="acorn.events").checkpoints)
    code, out, err = shell("streams", "acorn.events")
    assert (code, err) == (0, "")
    assert '"accounts":["acorn"]' in out
    assert '"stream":"acorn.events"' in shell("streams")[1]
    completed = ShellComplete(main, {}, "logferry", "_").get_completions(["pull"], "aco")
    assert [one.value for one in completed] == ["acorn.events"]
    completed = ShellComplete(main, {}, "logferry", "_").get_completions(["pull", "acorn.events", "--filter"], "")
    assert [one.value for one in completed] == ["kind="]
    fake = registry.service_named("acorn")
    assert fake is not None
    made = fake.fake()
    assert service_of(made) == fake
    assert 'service = "acorn"' in configuration({"acorn": made})


def test_an_account_of_a_file_can_be_of_another_package(install: Install, tmp_path: Path) -> None:
    """Its settings are those of the client."""
    install("dist_acorn", GOOD)
    file = tmp_path / "logferry.toml"
    file.write_text('[accounts.oak]\nservice = "acorn"\napi_key = "k"\nbase_url = "https://acorn.example"\n', "utf-8")
    with logferry.open_accounts(file) as ferry:
        assert "oak" in ferry.records(streams="acorn.events").checkpoints
    file.write_text('[accounts.oak]\nservice = "acorn"\nkey = "k"\n', "utf-8")
    with pytest.raises(ConfigurationError, match=r"'key' of .* is not known.*api_key, base_url"):
        logferry.open_accounts(file)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("1 / 0", "ZeroDivisionError"),
        ("SERVICE = 7", "dist_bad:SERVICE is no Service called acorn"),
        (GOOD.replace('"acorn"', '"oak"'), "dist_bad:SERVICE is no Service called acorn"),
        (GOOD.replace("_client", "_nowhere"), "No module named 'dist_bad_nowhere'"),
        (GOOD.replace(":Acorn", ":Event"), "dist_bad_client:Event is no client of a service called acorn"),
    ],
)
def test_a_package_that_does_not_work_is_left_out(  # noqa: PLR0917  # pytest passes them by name
    install: Install,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
    why: str,
) -> None:
    """A warning names its distribution and what to do; the built-in services work; an account of it is an error."""
    install("dist_bad", source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAILY_API_KEY", "key")
    told = "the service acorn of dist_bad 1.0 cannot be used: "
    with caplog.at_level(logging.WARNING, "logferry"), logferry.open_accounts() as ferry:
        assert "daily.api_logs" in ferry.records().checkpoints["daily"]
        ferry.records()
    (warned,) = (one for one in caplog.messages if told in one)
    assert why in warned
    assert warned.endswith("Update or uninstall dist_bad")
    code, out, err = shell("streams")
    assert (code, '"stream":"daily.api_logs"' in out) == (0, True)
    assert err.startswith(f"Warning: {told}")
    file = tmp_path / "other.toml"
    file.write_text('[accounts.oak]\nservice = "acorn"\n', "utf-8")
    with pytest.raises(ConfigurationError, match=r"of dist_bad 1.0 cannot be used"):
        logferry.open_accounts(file)


def test_streams_that_cannot_be_loaded_leave_the_other_services_alone(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They are loaded after the client; the streams of other accounts are read all the same."""
    client = ACORN.read_text(encoding="utf-8").replace("Streams(EVENTS)", 'Streams("dist_late_streams:EVENTS")')
    install("dist_late", GOOD, client=client)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAILY_API_KEY", "key")
    monkeypatch.setenv("ACORN_API_KEY", "key")
    with logferry.open_accounts() as ferry:
        assert [*ferry.records().checkpoints] == ["daily"]
        with pytest.raises(ConfigurationError, match=r"of dist_late 1.0 cannot be used.*dist_late_streams"):
            ferry.records(accounts="acorn")
        with pytest.raises(InvalidRequestError, match=r"there is no stream 'daily\.api_log'"):
            ferry.records(streams="daily.api_log")


def test_a_stream_called_as_one_of_another_service_is_refused(install: Install) -> None:
    """So no package can take the place of a built-in stream."""
    client = ACORN.read_text(encoding="utf-8").replace('name="acorn.events"', 'name="logto.audit_logs"')
    install("dist_bad", GOOD, client=client)
    service = registry.service_named("acorn")
    assert service is not None
    with pytest.raises(ConfigurationError, match=r"logto\.audit_logs is called as one of another service"):
        assert service.streams


def test_a_built_in_service_comes_before_a_package_of_its_name(install: Install) -> None:
    """The package is left out with a warning."""
    install("dist_clash", GOOD.replace('"acorn"', '"daily"'), name="daily")
    assert [one.distribution for one in registry.all_services() if one.name == "daily"] == [""]
    (error,) = registry.failures()
    assert "dist_clash 1.0 cannot be used: logferry has a service of this name itself" in str(error)


def test_two_packages_of_one_name_are_both_left_out(install: Install) -> None:
    """Which of them is meant, nothing says; the error names both."""
    for module in ("dist_one", "dist_two"):
        install(module, GOOD)
    with pytest.raises(ConfigurationError, match=r"dist_one 1.0 and dist_two 1.0 all register a service called acorn"):
        registry.service_named("acorn")
    assert registry.all_services() == registry.SERVICES


@pytest.mark.parametrize("name", ["Acorn", "acorn_logs", "1password"])
def test_a_name_is_of_lower_case_letters_and_digits(install: Install, name: str) -> None:
    """Else the variables of two services could be the same."""
    install("dist_name", GOOD.replace('"acorn"', f'"{name}"'), name=name)
    assert registry.service_named(name.lower() + "x") is None
    assert "lower-case letters and digits only" in str(*registry.failures())


def test_a_service_without_a_fake_says_so(install: Install) -> None:
    """The error names what is missing."""
    install("dist_acorn", GOOD)
    service = registry.service_named("acorn")
    assert service is not None
    with pytest.raises(ConfigurationError, match=r"the service acorn has no fake.*fake_home"):
        assert service.fake


@pytest.mark.parametrize(
    "code",
    [
        "logferry.Daily(api_key='x').api_logs()",
        "logferry.open_accounts('logferry.toml').records()",
    ],
)
def test_built_in_services_read_no_entry_points(install: Install, tmp_path: Path, code: str) -> None:
    """So a client of one, and accounts of a file, cost what they cost without any package."""
    install("dist_bad", "1 / 0")
    (tmp_path / "logferry.toml").write_text('[accounts.calls]\nservice = "daily"\napi_key = "k"\n', "utf-8")
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys, logferry; {code}; print('importlib.metadata' in sys.modules)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (shown.stdout, shown.stderr) == ("False\n", "")
