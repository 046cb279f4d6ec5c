import signal

import pytest

from logferry.cli._interrupts import Interrupts
from logferry.testing import VirtualClock


def test_ctrl_c_waits_for_the_current_record() -> None:
    """While a record is processed, Ctrl-C takes effect at the next check."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.working()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_takes_effect_at_once_while_waiting(number: signal.Signals) -> None:
    """Between records, Ctrl-C and the signal that stops a service take effect at once."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)  # the exception that ends the process passes through


def test_ctrl_c_during_a_record_takes_effect_before_the_next_wait() -> None:
    """Ctrl-C during a record takes effect before the next wait."""
    interrupts = Interrupts()
    with interrupts.watched():
        interrupts.working()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.waiting()


def test_a_second_ctrl_c_takes_effect_at_once() -> None:
    """A second Ctrl-C ends a blocked write at once; two signals in quick succession count as one."""
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
def test_the_signal_handler_is_restored(number: signal.Signals) -> None:
    """Afterwards Python's handler is back; a signal that is ignored, as under nohup, stays ignored."""
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
