import pytest

from logferry.testing import VirtualClock

SECOND = 1_000_000_000


def test_time_stands_still_without_a_sleep() -> None:
    """The time of a clock stays the same until a sleep."""
    clock = VirtualClock(5 * SECOND)
    assert [clock.now(), clock.now()] == [5 * SECOND, 5 * SECOND]


def test_a_sleep_advances_the_clock_at_once() -> None:
    """A sleep advances the clock by its seconds, to the nanosecond, and is recorded."""
    clock = VirtualClock()
    clock.sleep(1.5)
    clock.sleep(1e-9)
    assert clock.now() == 1_500_000_001
    assert clock.naps == (1.5, 1e-9)


def test_a_negative_sleep_takes_no_time() -> None:
    """The clock never goes back."""
    clock = VirtualClock(7)
    clock.sleep(-1)
    assert clock.now() == 7


def test_an_advance_is_not_a_sleep() -> None:
    """An advance moves the time and records no sleep."""
    clock = VirtualClock()
    clock.advance(2)
    assert (clock.now(), clock.naps) == (2 * SECOND, ())


@pytest.mark.anyio
async def test_an_async_sleep_advances_the_clock_at_once() -> None:
    """An async sleep behaves as a blocking one."""
    clock = VirtualClock()
    await clock.asleep(3)
    assert (clock.now(), clock.naps) == (3 * SECOND, (3,))


def test_reach_only_goes_forward() -> None:
    """Reaching a moment sets the clock to its nanosecond; a past moment leaves the clock unchanged."""
    clock = VirtualClock(7)
    clock.reach(1_767_225_600_000_000_001)
    clock.reach(8)
    assert clock.now() == 1_767_225_600_000_000_001
    assert clock.naps == ()
