import pytest

from logferry._registry import SERVICES, Service, environment_accounts


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_service(service: Service) -> None:
    """A service, its client and its streams agree on names, and its fake knows what makes an account of it."""
    assert service.name == service.client.service
    assert all(stream.name.startswith(f"{service.name}.") for stream in service.streams)
    assert all(callable(getattr(service.client, stream.method)) for stream in service.streams)
    variables = service.variables_for(service.fake(records=1, epoch=0), "http://127.0.0.1:1")
    assert set(service.variables) <= set(variables)
    assert service.client.authentication


@pytest.mark.parametrize("value", ["", "https://acme.logto.app"])
def test_accounts_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A service of which a variable is set, and not empty, is an account named after it."""
    monkeypatch.setenv("LOGTO_ENDPOINT", value)
    assert [account.name for account in environment_accounts()] == (["logto"] if value else [])


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account's repr names it, and nothing of its settings."""
    monkeypatch.setenv("LOGTO_APP_SECRET", "real-secret")
    assert "real-secret" not in repr(environment_accounts())
