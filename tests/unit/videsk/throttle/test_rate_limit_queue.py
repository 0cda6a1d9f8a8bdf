"""Boundaries between the limiter's periods, which mutation testing found untested."""

from itertools import pairwise

import pytest

from tests.unit.videsk.throttle.test_circuit import opened
from tests.unit.videsk.throttle.test_rate_limit import FOREVER, GO, OPEN, START, may_go
from videsk.throttle.rate_limit import PROBE_INTERVAL, SECOND, WINDOW, LimiterState, RateLimit


def test_a_window_is_longer_than_the_second_that_videsk_counts() -> None:
    state = LimiterState(RateLimit(5))
    assert all(may_go(state, START, is_write=True) for _ in range(5))
    assert not may_go(state, START + SECOND, is_write=True), (
        "docs/guarantees.md#g3: within any second"
    )
    assert may_go(state, START + WINDOW, is_write=True)
    assert WINDOW < 1.5 * SECOND


def test_a_slot_is_free_again_exactly_one_window_later() -> None:
    state = LimiterState(RateLimit(2))
    for at in (START, START + 5):
        assert may_go(state, at, is_write=True)
    assert may_go(state, START + WINDOW, is_write=True)
    assert list(state.slots) == [START + 5, START + WINDOW]


def test_a_failure_at_the_end_of_the_period_starts_a_new_one() -> None:
    state = opened()
    end = START + PROBE_INTERVAL
    state.report_failure(end)
    admission = state.acquire(end, FOREVER, is_write=True)
    assert (admission.decision, admission.wait) == (OPEN, PROBE_INTERVAL)


@pytest.mark.parametrize(("limit", "processes", "share", "window"), [
    (20, 4, 5, 7 * SECOND), (20, 3, 6, 7 * SECOND), (4, 4, 1, 7 * SECOND), (3, 4, 1, 28 * SECOND // 3),
])  # fmt: skip
def test_a_share_has_fewer_slots_or_one_slot_in_a_longer_window(
    limit: int, processes: int, share: int, window: int
) -> None:
    rate_limit = RateLimit(limit, 7 * SECOND).share(processes)
    assert (rate_limit.limit, rate_limit.window) == (share, window)
    assert type(rate_limit.window) is int, "microseconds are integers"


@pytest.mark.parametrize(
    ("limit", "reserve"), [(1, 0), (2, 1), (20, 1), (39, 1), (40, 2), (100, 5)]
)
def test_a_twentieth_of_the_slots_and_at_least_one_is_reserved_for_writes(
    limit: int, reserve: int
) -> None:
    assert RateLimit(limit).reserve == reserve
    state = LimiterState(RateLimit(limit, is_paced=False))
    left = [
        now for now in range(START, START + WINDOW, WINDOW // 400)
        if state.acquire(now, 0, is_write=False).decision is GO
    ]  # fmt: skip
    assert len(left) == limit - reserve
    assert all(earlier < later for earlier, later in pairwise(left))


def test_a_longer_pause_extends_the_current_one_and_a_shorter_one_is_ignored() -> None:
    state = LimiterState(RateLimit(20))
    for pause_length, until in (
        (2 * SECOND, 2 * SECOND),
        (3 * SECOND, 4 * SECOND),
        (SECOND, 4 * SECOND),
    ):
        state.pause(pause_length, START + SECOND if pause_length != 2 * SECOND else START)
        assert not may_go(state, START + until - 1, is_write=True)
    assert may_go(state, START + 4 * SECOND, is_write=True)
