import pytest
from tests.cli.conftest import Account, Run, made_fake, serving

from logferry.testing import FakeRequest, FakeResponse


@pytest.mark.usefixtures("configured")
def test_works(run: Run) -> None:
    """An account that works is said to."""
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("ok      logto  logto.audit_logs answered in ")


def test_one_request(run: Run, account: Account) -> None:
    """It asks for one record, and nothing else but a token."""
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
def test_wrong_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that does not work is said to, with the reason and what to do, and never with the secret."""
    monkeypatch.setenv("LOGTO_APP_SECRET", "wrong-but-secret")
    result = run("check")
    assert result.exit_code == 3
    assert result.stdout.startswith("failed  logto  logto.audit_logs: 401 Unauthorized")
    assert "Check LOGTO_APP_ID and LOGTO_APP_SECRET" in result.stdout
    assert "wrong-but-secret" not in result.output


@pytest.mark.usefixtures("configured")
def test_partly_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is described in part is an error that names what is missing."""
    monkeypatch.delenv("LOGTO_APP_SECRET")
    result = run("check")
    assert result.exit_code == 2
    assert "app_secret is missing" in result.stdout
    assert "LOGTO_APP_SECRET" in result.stdout


def test_no_account(run: Run) -> None:
    """Without any account it says which variables make one."""
    result = run("check")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "LOGTO_ENDPOINT, LOGTO_APP_ID, LOGTO_APP_SECRET (logto)" in result.stderr
