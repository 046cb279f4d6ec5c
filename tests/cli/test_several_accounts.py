"""Several accounts: all are read, a failing one stops no other, and the highest exit code is returned."""

from __future__ import annotations

import json
import time

import pytest
from tests.cli.conftest import Account, Run, made_fake, serving

from logferry.testing import DailyFake, FakeRequest, FakeResponse, Faults


def refusing(status: int | None) -> Faults:
    """Return faults that give every request for logs this status, if any."""

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        return None if status is None or request.path == "/oidc/token" else FakeResponse(status)

    return fault


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ((None, None), 0),
        ((400, None), 2),
        ((None, 404), 2),
        ((422, None), 2),
        ((403, None), 3),
        ((None, 401), 3),
        ((403, 404), 3),
        ((404, 403), 3),
    ],
)
def test_every_account_is_read_and_the_highest_exit_code_counts(
    run: Run,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    statuses: tuple[int | None, int | None],
    code: int,
) -> None:
    """All records of working accounts come, and each failure is one line on stderr."""
    daily = DailyFake(records=50, epoch=time.time_ns() - 10**9, growing=False)
    logto = made_fake(records=50)
    for_daily, for_logto = map(refusing, statuses)
    with serving(daily, for_daily) as daily_url, serving(logto, for_logto) as logto_url:
        monkeypatch.setenv("DAILY_API_KEY", daily.api_key)
        monkeypatch.setenv("DAILY_BASE_URL", daily_url)
        account(logto, logto_url)
        result = run("pull")
    assert result.exit_code == code
    expected = {"daily.api_logs": len(daily.truth("daily.api_logs")), "logto.audit_logs": 50}
    for stream, status in zip(expected, statuses, strict=True):
        told = [line for line in result.stderr.splitlines() if line.startswith(f"Error: {stream}: ")]
        got = [line for line in result.stdout.splitlines() if json.loads(line)["stream"] == stream]
        assert (len(got), len(told)) == ((expected[stream], 0) if status is None else (0, 1))
