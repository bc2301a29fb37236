"""The breaker opens when Redis fails, lets one probe through at a time, and closes when a probe succeeds."""

from __future__ import annotations

import random

import pytest

from api.caching.breaker import Breaker


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_five_failures_in_a_row_open_it_and_a_success_between_starts_the_count_again(clock):
    """
    Four failures, a success and four failures leave it closed; the fifth opens it.
    """
    breaker = Breaker(clock=clock)
    for is_success in [False] * 4 + [True] + [False] * 4:
        breaker.record_success() if is_success else breaker.record_failure()
    assert breaker.state == "closed"

    breaker.record_failure()

    assert breaker.state == "open"


def test_one_failure_to_connect_opens_it(clock):
    """
    What cannot even be connected to is not tried five times.
    """
    breaker = Breaker(clock=clock)

    breaker.record_failure(connecting=True)

    assert breaker.state == "open"


def test_probes_come_after_one_second_then_twice_as_long_up_to_thirty(clock):
    """
    With every probe failing, the pauses are 1, 2, 4 ... 30 s, each up to a quarter longer.
    """
    breaker = Breaker(clock=clock, draw=random.Random(7).random)
    breaker.record_failure(connecting=True)
    opened_at, pauses = 0.0, []
    while len(pauses) < 8:
        clock.now += 0.01
        if breaker.claim_probe():
            assert (breaker.state, breaker.claim_probe()) == ("half_open", False)
            pauses.append(clock.now - opened_at)
            opened_at = clock.now
            breaker.end_probe(succeeded=False)

    expected = [1, 2, 4, 8, 16, 30, 30, 30]
    assert all(low <= pause <= min(1.25 * low, 30) + 0.02 for low, pause in zip(expected, pauses, strict=True))
    assert len(set(pauses)) > 5


def test_a_probe_that_succeeds_closes_it_and_the_next_pause_is_short_again(clock):
    """
    After a recovery it starts from the beginning, and it still takes five failures to open.
    """
    breaker = Breaker(clock=clock, draw=lambda: 0.0)
    breaker.record_failure(connecting=True)
    for clock.now, succeeded in [(1.0, False), (3.0, True)]:
        assert breaker.claim_probe()
        breaker.end_probe(succeeded=succeeded)
    assert (breaker.state, breaker.claim_probe()) == ("closed", False)

    for _ in range(5):
        breaker.record_failure()
    clock.now += 1.0

    assert breaker.claim_probe()


def test_what_was_asked_before_it_opened_changes_nothing_after(clock):
    """
    A late failure does not lengthen the pause, a late success does not close it.
    """
    breaker = Breaker(clock=clock, draw=lambda: 0.0)
    breaker.record_failure(connecting=True)
    clock.now = 0.9

    breaker.record_failure(connecting=True)
    breaker.record_success()

    assert breaker.state == "open"
    clock.now = 1.0
    assert breaker.claim_probe()
