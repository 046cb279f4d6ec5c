"""The package keeps the promises of its stream."""

import pytest
from logferry_okta.client import Okta
from logferry_okta.fake import OktaFake

from logferry.testing import MakeClient
from logferry.testing.conformance import Trial
from logferry.testing.sync_conformance import SyncTrial

pytest_plugins = ["logferry.testing.pytest"]


def test_a_pull_has_every_event(logferry_client: MakeClient) -> None:
    """Each event is a record with severity, time and attributes, and without issues."""
    fake = OktaFake(records=2500)
    records = logferry_client(Okta, fake).system_log().records().to_list()
    assert [fake.identity(OktaFake.stream, record.raw) for record in records] == fake.truth()
    assert not [issue for record in records for issue in record.issues]
    assert (records[-1].severity_text, records[-1].time_unix_nano) == ("DEBUG", fake.epoch)


@pytest.mark.parametrize("seed", range(100))
def test_trials(seed: int) -> None:
    """Pulls and syncs survive late and vanishing events, faults, lost cursors, kills."""
    Trial(Okta, OktaFake.of_rows, OktaFake.stream, seed).run().check()
    Trial(Okta, OktaFake.of_rows, OktaFake.stream, seed, sync=False).run().check()
    if seed % 5 == 0:
        SyncTrial(Okta, OktaFake.of_rows, OktaFake.stream, seed).run().check()
