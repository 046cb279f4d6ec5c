import pytest

from logferry._accounts.registry import SERVICES, Service
from logferry.testing._registry import make_fake, variables_for


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_matches_its_client_and_fake(service: Service) -> None:
    """A service, its client and its streams have matching names, and its fake has the settings of an account."""
    assert service.name == service.client.service
    assert all(stream.name.startswith(f"{service.name}.") for stream in service.streams)
    assert all(callable(getattr(service.client, stream.method)) for stream in service.streams)
    variables = variables_for(make_fake(service, records=1, epoch=0), "http://127.0.0.1:1")
    assert set(service.variables) <= set(variables)
    assert service.client.authentication
