import pytest

from logferry.testing import VirtualClock

SECOND = 1_000_000_000


def test_stands_still() -> None:
    """A clock stands still until somebody sleeps."""
    clock = VirtualClock(5 * SECOND)
    assert [clock.now(), clock.now()] == [5 * SECOND, 5 * SECOND]


def test_sleep_passes_at_once() -> None:
    """Sleeping moves the clock on by the seconds slept, to the nanosecond, and is remembered."""
    clock = VirtualClock()
    clock.sleep(1.5)
    clock.sleep(1e-9)
    assert clock.now() == 1_500_000_001
    assert clock.naps == (1.5, 1e-9)


def test_time_never_goes_back() -> None:
    """A negative sleep takes no time."""
    clock = VirtualClock(7)
    clock.sleep(-1)
    assert clock.now() == 7


def test_advance_is_no_sleep() -> None:
    """Time can pass without anybody sleeping."""
    clock = VirtualClock()
    clock.advance(2)
    assert (clock.now(), clock.naps) == (2 * SECOND, ())


@pytest.mark.anyio
async def test_async_sleep() -> None:
    """The async sleep does the same."""
    clock = VirtualClock()
    await clock.asleep(3)
    assert (clock.now(), clock.naps) == (3 * SECOND, (3,))


def test_reach_goes_forward_only() -> None:
    """Reaching a moment sets the clock to the nanosecond, and one that is over leaves it where it is."""
    clock = VirtualClock(7)
    clock.reach(1_767_225_600_000_000_001)
    clock.reach(8)
    assert clock.now() == 1_767_225_600_000_000_001
    assert clock.naps == ()
