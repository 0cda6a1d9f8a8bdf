"""The circuit breaker opens after five consecutive failures, probes, and closes after a success."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.videsk.throttle.test_rate_limit import (
    FOREVER,
    GO,
    OPEN,
    START,
    arrival_times,
    may_go,
)
from videsk.throttle.rate_limit import PROBE_INTERVAL, SECOND, Admission, LimiterState, RateLimit

FAILURES = 5
"""Consecutive failures that open the circuit (docs/guarantees.md#g7)."""


@given(before=st.lists(st.booleans(), max_size=30))
def test_the_circuit_opens_exactly_at_the_fifth_consecutive_failure(before: list[bool]) -> None:
    state, row = LimiterState(RateLimit(1000)), 0
    for failed in [*before, False, *[True] * FAILURES]:
        assert row < FAILURES
        assert state.acquire(START, 0, is_write=True) == Admission(GO, 0, slot=START)
        row = row + 1 if failed else 0
        if failed:
            state.report_failure(START)
        else:
            state.report_success()
        if row == FAILURES:
            break
    admission = state.acquire(START, FOREVER, is_write=True)
    assert (admission.decision, state.failures) == (OPEN, FAILURES)
    assert 3 * SECOND <= admission.wait <= 5 * SECOND, (
        "docs/guarantees.md#g7: one probe every 3 to 5 s"
    )


def opened() -> LimiterState:
    state = LimiterState(RateLimit(1000))
    for _ in range(FAILURES):
        state.report_failure(START)
    return state


@given(
    gaps=st.lists(st.integers(0, PROBE_INTERVAL // 3), max_size=60),
    slow=st.integers(0, PROBE_INTERVAL - 1),
)
def test_an_open_circuit_admits_one_probe_in_each_interval(gaps: list[int], slow: int) -> None:
    """Each probe fails after `slow`."""
    state, failing_at = opened(), FOREVER * 10
    left: list[int] = []
    for now in arrival_times(gaps):
        if failing_at <= now:
            state.report_failure(failing_at)
            failing_at = FOREVER * 10
        admission = state.acquire(now, FOREVER, is_write=True)
        assert (admission.decision is GO) == (now - (left or [START])[-1] >= PROBE_INTERVAL)
        if admission.decision is GO:
            left.append(now)
            failing_at = now + slow
        else:
            assert admission.decision is OPEN
            assert now + admission.wait == (left or [START])[-1] + PROBE_INTERVAL


def test_one_success_closes_the_circuit_and_resets_the_count() -> None:
    state = opened()
    assert may_go(state, START + PROBE_INTERVAL)
    assert not may_go(state, START + PROBE_INTERVAL + 1, is_write=True)
    state.report_success()
    for _ in range(FAILURES - 1):
        assert may_go(state, START + PROBE_INTERVAL + 2, is_write=True)
        state.report_failure(START + PROBE_INTERVAL + 2)
    assert may_go(state, START + PROBE_INTERVAL + 2, is_write=True)
