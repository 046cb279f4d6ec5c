"""The package keeps the promises of its stream."""

import pytest
from logferry_okta.client import Okta
from logferry_okta.fake import OktaFake

from logferry.testing import Comparison, MakeClient
from logferry.testing.conformance import Trial
from logferry.testing.sync_conformance import SyncTrial

pytest_plugins = ["logferry.testing.pytest"]


def test_a_pull_has_every_event(logferry_client: MakeClient) -> None:
    """Each event is a record with severity, time and attributes."""
    fake = OktaFake(records=2500)
    with logferry_client(Okta, fake) as okta:
        records = okta.system_log().records().to_list()
    comparison = Comparison.of(fake, "okta.system_log")
    for record in records:
        comparison.add(fake.identity("okta.system_log", record.raw))
    assert not comparison.differences()
    assert not [issue for record in records for issue in record.issues]
    last = records[-1]
    assert (last.severity_text, last.event_name, last.time_unix_nano) == ("DEBUG", "app.oauth2.token.grant", fake.epoch)
    assert last.attributes["client.address"] == "192.0.2.1"


@pytest.mark.parametrize("sync", [True, False], ids=["for", "async for"])
def test_trials(sync: bool) -> None:  # noqa: FBT001  # pytest passes it by name
    """Pulls survive late and vanishing events, faults, lost cursors."""
    for seed in range(100):
        Trial(Okta, OktaFake.of_rows, "okta.system_log", seed, sync).run().check()


def test_trials_of_syncs() -> None:
    """So do syncs that are stopped and killed."""
    for seed in range(50):
        SyncTrial(Okta, OktaFake.of_rows, "okta.system_log", seed).run().check()
