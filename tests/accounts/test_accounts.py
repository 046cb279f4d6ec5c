"""Accounts: which file describes them, what it may contain, and where their secrets come from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from logferry import ConfigurationError
from logferry._accounts.accounts import find_accounts
from logferry._accounts.selection import selected_accounts
from logferry.testing import InProcessTransport, LogtoFake, VirtualClock

FAKE = LogtoFake(records=3)
LOGIN = f"""
[accounts.login]
service = "logto"
endpoint = "https://default.logto.app"
app_id = "{FAKE.app_id}"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the configuration folder of the user."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "logferry"
    folder.mkdir(parents=True)
    return folder


def described(name: str) -> str:
    """Return a file with an account of this name."""
    return LOGIN.replace("login", name)


Write = Callable[[str], Path]


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the file that LOGFERRY_CONFIG names."""
    path = tmp_path / "named.toml"
    monkeypatch.setenv("LOGFERRY_CONFIG", str(path))

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_named_file_takes_precedence(here: Path, own: Path, named: Write, tmp_path: Path) -> None:
    """The file of the argument comes first, then that of LOGFERRY_CONFIG, and only then unnamed ones."""
    argument = tmp_path / "argument.toml"
    argument.write_text(described("argument"))
    variable = named(described("variable"))
    (here / "logferry.toml").write_text(described("here"))
    (own / "logferry.toml").write_text(described("own"))

    def found(config: Path | None = None) -> list[str]:
        return [account.name for account in find_accounts(config)]

    assert found(argument) == ["argument"]
    assert found() == ["variable"]
    named("")
    assert found() == []
    variable.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read: No such file or directory"):
        found()


@pytest.mark.usefixtures("here")
def test_unnamed_files_have_an_order(here: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file in the working directory comes before the user's own, and any file before the environment."""
    monkeypatch.setenv("DAILY_API_KEY", "hush")
    assert [account.name for account in find_accounts()] == ["daily"]
    (own / "logferry.toml").write_text(described("own"))
    assert [account.name for account in find_accounts()] == ["own"]
    (here / "logferry.toml").write_text(described("here"))
    assert [account.name for account in find_accounts()] == ["here"]


@pytest.mark.parametrize("value", ["", "https://acme.logto.app"])
@pytest.mark.usefixtures("here")
def test_the_environment_configures_accounts(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A service with a variable that is set and not empty is an account with the name of the service."""
    monkeypatch.setenv("LOGTO_ENDPOINT", value)
    assert [account.name for account in find_accounts()] == (["logto"] if value else [])


def test_secrets_are_not_shown(named: Write) -> None:
    """The repr of an account has its name and no setting."""
    named(LOGIN + 'app_secret = "real-secret"')
    assert "real-secret" not in repr(find_accounts())


def pulled(account_name: str = "login") -> int:
    """Return the number of logs that an account of the fake gets."""
    (account,) = selected_accounts([account_name])
    with account.open(transport=InProcessTransport(FAKE)) as client:
        return len(client.stream("logto.audit_logs", until="2027-01-01").to_list())


def test_records_have_the_name_of_the_account(named: Write) -> None:
    """Records of an account in a file have the name of the account."""
    named(LOGIN + f'app_secret = "{FAKE.app_secret}"')
    (account,) = selected_accounts()
    with account.open(transport=InProcessTransport(FAKE)) as client:
        records = client.stream("logto.audit_logs", until="2027-01-01").records().to_list()
    assert [record.account for record in records] == ["login"] * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("reference", ["{ file = 'secret' }", "{ command = ['cat', 'SECRET'] }"])
def test_a_byte_order_mark_is_not_part_of_a_secret(named: Write, tmp_path: Path, reference: str, encoding: str) -> None:
    """Editors and shells on Windows write a byte order mark in front of a secret."""
    (tmp_path / "secret").write_text(f"{FAKE.app_secret}\r\n", encoding=encoding)
    named(LOGIN + f"app_secret = {reference}".replace("SECRET", str(tmp_path / "secret")))
    assert pulled() == 3


def test_a_file_is_not_completed_by_the_environment(named: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of another account must not be sent to the address of this one."""
    monkeypatch.setenv("LOGTO_APP_SECRET", FAKE.app_secret)
    monkeypatch.setenv("LOGTO_ACCESS_TOKEN", "hush")
    path = named(LOGIN)
    with pytest.raises(ConfigurationError) as caught:
        pulled()
    expected = f"logto: app_secret is missing: it is not in [accounts.login] in {path} (account login)"
    assert str(caught.value) == f"{expected}. Add app_secret there"


REFERENCES = {
    "env": '{ env = "ACME_SECRET" }',
    "file": '{ file = "secret.txt" }',
    "command": f'{{ command = ["{sys.executable}", "-c", "print({FAKE.app_secret!r})"] }}',
    "keyring": '{ keyring = "acme" }',
}


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1.0  # pyright: ignore[reportAssignmentType]  # as the library's own do
    locked = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password."""
        if self.locked:
            raise KeyringLocked
        return FAKE.app_secret if (service, username) == ("logferry", "acme") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Not supported here."""
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        """Not supported here."""
        raise NotImplementedError


@pytest.fixture
def ring() -> Generator[Ring]:
    """Install the system keyring for this test."""
    usual, made = keyring.get_keyring(), Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(usual)


@pytest.fixture
def secrets(ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ring:
    """Store the fake's secret wherever a reference can point."""
    monkeypatch.setenv("ACME_SECRET", FAKE.app_secret)
    (tmp_path / "secret.txt").write_text(f"{FAKE.app_secret}\n")
    return ring


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.usefixtures("secrets")
def test_a_secret_can_be_a_reference(kind: str, named: Write) -> None:
    """A reference names a variable, a file beside the configuration, a command, or an entry of the keyring."""
    named(f"{LOGIN}app_secret = {REFERENCES[kind]}")
    assert pulled() == 3


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.usefixtures("secrets")
def test_a_file_in_the_working_directory_reads_no_files_and_runs_nothing(kind: str, here: Path, own: Path) -> None:
    """Another user may have written the file; only the user's own file, found from its folder, is trusted."""
    text = f"{LOGIN}app_secret = {REFERENCES[kind]}"
    (here / "logferry.toml").write_text(text)
    (here / "secret.txt").write_text(FAKE.app_secret)
    if kind == "keyring":
        assert pulled() == 3
        return
    words = "the environment variable ACME_SECRET" if kind == "env" else kind
    with pytest.raises(ConfigurationError, match=f"{words} is not used in a file that is only found") as caught:
        pulled()
    assert "--config or LOGFERRY_CONFIG" in str(caught.value)
    (here / "logferry.toml").unlink()
    (own / "logferry.toml").write_text(text)
    (own / "secret.txt").write_text(FAKE.app_secret)
    (here / "logferry.toml").symlink_to(own / "logferry.toml")
    if kind in ("command", "env"):
        assert pulled() == 3


@pytest.mark.parametrize("setting", ["endpoint", "app_id", "app_secret", "access_token", "resource"])
@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "LOGTO_DB_URL", "DAILY_API_KEY", "logferry_secret", ""])
def test_a_file_in_the_working_directory_may_use_only_some_variables(
    setting: str, variable: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables of other programs and services are refused in any setting; the error lists the allowed ones."""
    if variable:
        monkeypatch.setenv(variable, "https://hush.example")
    lines = [line for line in f'{LOGIN}app_secret = "x"\n'.splitlines() if not line.startswith(f"{setting} ")]
    name = variable or "NOT_EVEN_SET"
    (here / "logferry.toml").write_text("\n".join([*lines, f'{setting} = {{ env = "{name}" }}']))
    with pytest.raises(ConfigurationError) as caught:
        pulled()
    told = str(caught.value)
    assert f"{setting} of [accounts.login] in {here / 'logferry.toml'}: the environment variable {name} is not" in told
    assert "such a file may use LOGFERRY_... and LOGTO_ENDPOINT, LOGTO_APP_ID, LOGTO_APP_SECRET" in told
    assert "Name the file with --config or LOGFERRY_CONFIG if it is yours" in told
    assert "hush" not in told


@pytest.mark.parametrize("variable", ["LOGFERRY_ACME_SECRET", "LOGTO_APP_SECRET"])
def test_a_file_in_the_working_directory_may_use_variables_of_its_service(
    variable: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables of logferry and of the service are allowed, so a project can have a configuration without a secret."""
    monkeypatch.setenv(variable, FAKE.app_secret)
    (here / "logferry.toml").write_text(f'{LOGIN}app_secret = {{ env = "{variable}" }}')
    assert pulled() == 3


def test_credentials_of_the_environment_keep_their_address(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unnamed file sends credentials of the environment only to their own address or to this machine."""
    path = here / "logferry.toml"

    def opened(base_url: str, config: Path | None = None) -> str:
        path.write_text(
            f'[accounts.calls]\nservice = "daily"\nbase_url = "{base_url}"\napi_key = {{ env = "DAILY_API_KEY" }}\n'
        )
        (account,) = find_accounts(config)
        with account.open() as client:
            return client.origin

    monkeypatch.setenv("DAILY_API_KEY", "hush")
    assert opened("https://api.daily.co/v2") == "https://api.daily.co"
    assert opened("http://127.0.0.1:8000") == "http://127.0.0.1:8000"
    assert opened("https://elsewhere.example", path) == "https://elsewhere.example"
    with pytest.raises(ConfigurationError) as caught:
        opened("https://elsewhere.example")
    assert (
        f"[accounts.calls] in {path}: the environment's variables are those of https://api.daily.co, "
        "and are not sent to https://elsewhere.example for a file that is only found in the working directory"
    ) in str(caught.value)
    assert "hush" not in str(caught.value)
    monkeypatch.setenv("DAILY_BASE_URL", "https://elsewhere.example/v1")
    assert opened("https://elsewhere.example") == "https://elsewhere.example"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ('{ env = "ACME_MISSING" }', "the environment variable ACME_MISSING is not set"),
        ('{ env = "ACME_EMPTY" }', "the environment variable ACME_EMPTY is empty"),
        ('{ file = "nowhere.txt" }', "the file {folder}/nowhere.txt cannot be read: No such file or directory"),
        ('{ file = "binary" }', "the file {folder}/binary holds no text"),
        ('{ file = "~nobody-of-this-name/x" }', "/~nobody-of-this-name/x cannot be read: No such file or directory"),
        ('{ file = "\\u0000" }', "cannot be read: it is no path"),
        ('{ command = ["no-such-program", "hush"] }', "the command no-such-program cannot be run: No such file"),
        (f'{{ command = ["{sys.executable}", "-c", "raise SystemExit(3)"] }}', "failed with exit code 3"),
        (f'{{ command = ["{sys.executable}", "-c", "pass"] }}', "is empty"),
        (
            '{ keyring = "other" }',
            "the keyring's secret other does not exist (account login). Set it: keyring set logferry other",
        ),
        ("7", "is neither text nor a reference to a secret"),
        ("[]", "is neither text nor a reference to a secret"),
        ("{}", "is neither text nor a reference to a secret"),
        ('{ pass = "x" }', "is neither text nor a reference to a secret"),
        ('{ env = "A", file = "B" }', "is neither text nor a reference to a secret"),
        ('{ command = "pass show" }', "is neither text nor a reference to a secret"),
        ("{ command = [] }", "is neither text nor a reference to a secret"),
        ('{ command = ["pass", 7] }', "is neither text nor a reference to a secret"),
        ("true", "is no text"),
    ],
)
@pytest.mark.usefixtures("ring")
def test_an_unavailable_secret_is_an_error(
    reference: str, words: str, named: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the setting, the account, the file and the remedy, and never an argument of a command."""
    monkeypatch.delenv("ACME_MISSING", raising=False)
    monkeypatch.setenv("ACME_EMPTY", " ")
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    path = named(f"{LOGIN}app_secret = {reference}")
    with pytest.raises(ConfigurationError) as caught:
        pulled()
    told = str(caught.value)
    assert words.format(folder=tmp_path) in told
    assert f"app_secret of [accounts.login] in {path}" in told
    assert "hush" not in told


def test_a_locked_keyring_is_an_error(named: Write, ring: Ring) -> None:
    """The error says that the keyring is locked."""
    ring.locked = True
    named(f"{LOGIN}app_secret = {REFERENCES['keyring']}")
    with pytest.raises(ConfigurationError, match=r"cannot be read \(KeyringLocked\) .*\. Unlock the keyring"):
        pulled()


@pytest.mark.usefixtures("ring")
def test_a_missing_keyring_is_an_error(named: Write) -> None:
    """The error distinguishes a machine without a keyring from a locked keyring."""
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    named(f"{LOGIN}app_secret = {REFERENCES['keyring']}")
    with pytest.raises(
        ConfigurationError, match=r"there is no keyring on this machine .* Install or configure a backend"
    ):
        pulled()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("accounts = hush", "is no TOML: Invalid value (at line 1, column 12)"),
        ('[accounts.a]\napp_secret = "hush', "is no TOML"),
        ("[account.a]", "'account' is not known"),
        ("accounts = 7", "'accounts' is no table"),
        ("[accounts]\nlogin = 7", "the account 'login' is no table"),
        ("[accounts.a]", "service of [accounts.a] in {path} is missing. Known: cognigy, daily, logto, signalwire"),
        ('[accounts.a]\nservice = "logtoo"', "is not known. Did you mean logto? Known:"),
        ("[accounts.a]\nservice = 7", "is not known"),
        ('[accounts.a]\nservice = "logto"\napp_sceret = "hush"', "'app_sceret' of [accounts.a] in {path} is not known"),
        ('[accounts.a]\nservice = "logto"\nallow_insecure = 1', "allow_insecure of [accounts.a] in {path} is neither"),
        ('[accounts.""]\nservice = "logto"', "an account's name is empty"),
        ('[accounts."a\\u001b"]\nservice = "logto"', "cannot be printed"),
    ],
)
def test_an_invalid_file_is_an_error(text: str, words: str, named: Write) -> None:
    """One line has the file, the invalid part and the remedy, and never a value."""
    path = named(text)
    with pytest.raises(ConfigurationError) as caught:
        find_accounts()
    told = str(caught.value)
    assert words.format(path=path) in told
    assert str(path) in told
    assert "hush" not in told
    assert told.isprintable()


def test_a_binary_file_is_an_error(named: Write) -> None:
    """The error says that the file is no text."""
    named("").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        find_accounts()


def test_plain_http_is_refused_unless_the_account_accepts_it(named: Write) -> None:
    """Plain http to another machine needs the consent of the account."""
    resource = 'resource = "https://default.logto.app/api"'
    insecure = f'{LOGIN.replace("https:", "http:")}{resource}\napp_secret = "{FAKE.app_secret}"\n'
    named(insecure)
    with pytest.raises(ConfigurationError, match="is plain http"):
        pulled()
    named(insecure + "allow_insecure = true")
    assert pulled() == 3


def test_a_switch_may_be_a_boolean_or_text(named: Write) -> None:
    """Switches of Cognigy are accepted as TOML booleans and as text."""
    for value in ("true", '"true"'):
        named(
            '[accounts.bot]\nservice = "cognigy"\nbase_url = "https://api.example"\napi_key = "hush"\n'
            f"type_brackets = {value}"
        )
        (account,) = find_accounts()
        account.open().close()


def test_a_missing_account_is_an_error(here: Path, named: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variables to set, or the entry for the existing file."""
    path = named("# nothing yet")
    with pytest.raises(ConfigurationError, match="there is no account in") as caught:
        selected_accounts()
    assert str(path) in str(caught.value)
    monkeypatch.delenv("LOGFERRY_CONFIG")
    with pytest.raises(ConfigurationError, match=r"no logferry\.toml was found") as caught:
        selected_accounts()
    assert "LOGTO_ENDPOINT, LOGTO_APP_ID, LOGTO_APP_SECRET (logto)" in str(caught.value)
    assert list(here.iterdir()) == []


def test_an_account_of_a_file_may_have_a_rate(named: Write) -> None:
    """The rate of the file bounds the requests of the account, unless the caller sets another."""
    named(f'{LOGIN}app_secret = "{FAKE.app_secret}"\nrate = "2/10s"\n')
    cases: list[tuple[dict[str, Any], bool]] = [({}, True), ({"rate": None}, False), ({"rate": "1000/s"}, False)]
    for options, waits in cases:
        clock = VirtualClock(FAKE.epoch + 1_000_000)
        (account,) = find_accounts()
        with account.open(transport=InProcessTransport(FAKE), clock=clock, **options) as client:
            assert len(client.stream("logto.audit_logs", page_size=1).to_list()) == 3
        assert bool(clock.naps) is waits


@pytest.mark.parametrize("rate", ['"fast"', "20", "true", '""'])
def test_a_rate_in_a_file_is_checked(named: Write, rate: str) -> None:
    """The error names the account and shows an example."""
    named(f"{LOGIN}rate = {rate}\n")
    with pytest.raises(ConfigurationError, match=r"rate of \[accounts\.login\] in .* is no rate"):
        find_accounts()


def test_an_account_of_a_file_may_have_a_retention(named: Write) -> None:
    """The retention of a service depends on the plan or installation, so the file can set it."""
    named(f'{LOGIN}retention = "14 days"\n')
    (account,) = find_accounts()
    assert account.retention == 14 * 86_400 * 1_000_000_000


@pytest.mark.parametrize("retention", ['"soon"', "14", '"1 month"', "true"])
def test_a_retention_in_a_file_is_checked(named: Write, retention: str) -> None:
    """The error names the account and shows an example."""
    named(f"{LOGIN}retention = {retention}\n")
    with pytest.raises(ConfigurationError, match=r"retention of \[accounts\.login\] in .* is no duration.*14d"):
        find_accounts()
