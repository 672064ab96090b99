"""How the emulated providers count calls."""

from datetime import timedelta

from bot import clock
from bot.emulators.limits import Bucket


def test_a_bucket_lets_the_burst_through_and_then_the_rate() -> None:
    clock.freeze(clock.now())
    bucket = Bucket(rate=2, burst=3)
    waits = []
    for _ in range(5):
        waits.append(round(bucket.wait(), 3))
        bucket.take()
    assert waits == [0, 0, 0, 0.5, 1.0]


def test_a_clock_that_was_set_back_makes_nobody_wait_for_it() -> None:
    now = clock.now()
    bucket = Bucket(rate=1, burst=1)
    clock.freeze(now + timedelta(days=300))
    bucket.take()
    clock.freeze(now)
    assert 0 < bucket.wait() <= 1
    clock.freeze(now + timedelta(seconds=1))
    assert bucket.wait() == 0
