import pytest
from tests.cli.conftest import Account, Run, made_fake, serving

from logferry.testing import FakeRequest, FakeResponse


@pytest.mark.usefixtures("configured")
def test_a_valid_account_works(run: Run) -> None:
    """The output says that the account works."""
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("ok      logto  logto.audit_logs answered in ")


def test_a_check_sends_one_request(run: Run, account: Account) -> None:
    """A check requests one record, and at most a token."""
    asked: list[str] = []

    def note(request: FakeRequest, _number: int) -> FakeResponse | None:
        asked.append(request.target)
        return None

    fake = made_fake()
    with serving(fake, note) as url:
        account(fake, url)
        assert run("check").exit_code == 0
    assert [target.partition("?")[0] for target in asked] == ["/oidc/token", "/api/logs"]
    assert "page_size=1" in asked[1].split("&")


@pytest.mark.usefixtures("configured")
def test_a_wrong_secret_is_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output has the reason and the remedy, and never the secret."""
    monkeypatch.setenv("LOGTO_APP_SECRET", "wrong-but-secret")
    result = run("check")
    assert result.exit_code == 3
    assert result.stdout.startswith("failed  logto  logto.audit_logs: 401 Unauthorized")
    assert "Check LOGTO_APP_ID and LOGTO_APP_SECRET" in result.stdout
    assert "wrong-but-secret" not in result.output


@pytest.mark.usefixtures("configured")
def test_a_partly_configured_account_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the missing settings."""
    monkeypatch.delenv("LOGTO_APP_SECRET")
    result = run("check")
    assert result.exit_code == 2
    assert "app_secret is missing" in result.stdout
    assert "LOGTO_APP_SECRET" in result.stdout


def test_without_an_account_the_variables_are_named(run: Run) -> None:
    """The error names the variables that configure an account."""
    result = run("check")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "LOGTO_ENDPOINT, LOGTO_APP_ID, LOGTO_APP_SECRET (logto)" in result.stderr
