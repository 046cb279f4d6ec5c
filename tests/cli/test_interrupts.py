import signal

import pytest

from logferry.cli._interrupts import Interrupts
from logferry.testing import VirtualClock


def test_waits_for_the_record_in_hand() -> None:
    """While a record is in hand Ctrl-C waits for the next check."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.working()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_at_once_while_waiting(number: signal.Signals) -> None:
    """While nothing is in hand Ctrl-C comes at once, and so does what stops a service."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)  # what ends the process goes on


def test_not_forgotten() -> None:
    """Ctrl-C that came while a record was in hand comes before the next wait."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.working()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.waiting()


def test_second_is_obeyed() -> None:
    """Who presses Ctrl-C again, because a write is stuck, is obeyed at once; one that comes twice in a row is one."""
    clock = VirtualClock()
    interrupts = Interrupts(lambda: clock.now() / 1e9)
    with interrupts.watched():
        interrupts.working()
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        clock.advance(1.5)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert interrupts.forced


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_leaves_no_trace(number: signal.Signals) -> None:
    """Afterwards the signal is Python's again; one that is ignored, as under nohup, stays ignored."""
    before = signal.getsignal(number)
    with Interrupts().watched():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before
    signal.signal(number, signal.SIG_IGN)
    try:
        with Interrupts().watched():
            assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
