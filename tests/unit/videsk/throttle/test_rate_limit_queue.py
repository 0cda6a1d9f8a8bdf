"""The instants at which the terms' periods meet: there a mutation run found nothing tested."""

from itertools import pairwise

import pytest

from tests.unit.videsk.throttle.test_circuit import opened
from tests.unit.videsk.throttle.test_rate_limit import EVER, GO, OPEN, START, go_at
from videsk.throttle.rate_limit import PROBE_INTERVAL, SECOND, WINDOW, LimiterState, RateLimit


def test_a_window_is_longer_than_the_second_that_videsk_counts() -> None:
    state = LimiterState(RateLimit(5))
    assert all(go_at(state, START, is_write=True) for _ in range(5))
    assert not go_at(state, START + SECOND, is_write=True), (
        "docs/guarantees.md#g3: in any one second"
    )
    assert go_at(state, START + WINDOW, is_write=True)
    assert WINDOW < 1.5 * SECOND


def test_a_place_is_free_again_exactly_a_window_after_it_was_taken() -> None:
    state = LimiterState(RateLimit(2))
    for at in (START, START + 5):
        assert go_at(state, at, is_write=True)
    assert go_at(state, START + WINDOW, is_write=True)
    assert list(state.slots) == [START + 5, START + WINDOW]


def test_a_failure_in_the_instant_that_ends_the_period_begins_a_new_one() -> None:
    state = opened()
    end = START + PROBE_INTERVAL
    state.report_failure(end)
    admission = state.acquire(end, EVER, is_write=True)
    assert (admission.decision, admission.wait) == (OPEN, PROBE_INTERVAL)


@pytest.mark.parametrize(("limit", "processes", "share", "window"), [
    (20, 4, 5, 7 * SECOND), (20, 3, 6, 7 * SECOND), (4, 4, 1, 7 * SECOND), (3, 4, 1, 28 * SECOND // 3),
])  # fmt: skip
def test_a_share_is_of_the_same_window_or_one_place_in_so_much_longer_a_one(
    limit: int, processes: int, share: int, window: int
) -> None:
    rate_limit = RateLimit(limit, 7 * SECOND).share(processes)
    assert (rate_limit.limit, rate_limit.window) == (share, window)
    assert type(rate_limit.window) is int, "microseconds are whole"


@pytest.mark.parametrize(
    ("limit", "reserve"), [(1, 0), (2, 1), (20, 1), (39, 1), (40, 2), (100, 5)]
)
def test_reads_leave_a_twentieth_to_writes_one_at_least(limit: int, reserve: int) -> None:
    assert RateLimit(limit).reserve == reserve
    state = LimiterState(RateLimit(limit, is_paced=False))
    left = [
        now for now in range(START, START + WINDOW, WINDOW // 400)
        if state.acquire(now, 0, is_write=False).decision is GO
    ]  # fmt: skip
    assert len(left) == limit - reserve
    assert all(earlier < later for earlier, later in pairwise(left))


def test_a_longer_hold_lengthens_the_one_that_lasts_and_a_shorter_one_ends_none() -> None:
    state = LimiterState(RateLimit(20))
    for pause_length, until in (
        (2 * SECOND, 2 * SECOND),
        (3 * SECOND, 4 * SECOND),
        (SECOND, 4 * SECOND),
    ):
        state.pause(pause_length, START + SECOND if pause_length != 2 * SECOND else START)
        assert not go_at(state, START + until - 1, is_write=True)
    assert go_at(state, START + 4 * SECOND, is_write=True)
