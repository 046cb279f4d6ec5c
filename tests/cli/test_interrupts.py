import signal

import pytest

from logferry.cli._interrupts import Interrupts


def test_waits_for_the_record_in_hand() -> None:
    """While a record is in hand Ctrl-C waits for the next check."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.working()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_at_once_while_waiting(number: signal.Signals) -> None:
    """While nothing is in hand Ctrl-C comes at once, and so does what stops a service."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_not_forgotten() -> None:
    """Ctrl-C that came while a record was in hand comes before the next wait."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.working()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.waiting()


def test_second_is_obeyed() -> None:
    """Who presses Ctrl-C twice, because a write is stuck, is obeyed at once."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.working()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert interrupts.forced


def test_leaves_no_trace() -> None:
    """Afterwards Ctrl-C is Python's again; who ignores it, as nohup does, goes on ignoring it."""
    before = signal.getsignal(signal.SIGINT)
    with Interrupts().watched():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts().watched():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
