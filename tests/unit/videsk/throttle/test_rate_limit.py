"""Properties of the rate limiter for any sequence of requests.

tests/e2e/redis/test_rate_limit.py compares the limiter in the process with the one in Redis.
"""

import heapq
from copy import deepcopy
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit import IS_THOROUGH
from videsk.throttle.rate_limit import (
    GRACE,
    HEARTBEAT,
    PROBE_INTERVAL,
    SECOND,
    WINDOW,
    Admission,
    Decision,
    LimiterState,
    RateLimit,
    Ticket,
)

few_examples = settings(max_examples=25 if IS_THOROUGH else 2)

GO, WAIT, FULL, OPEN = Decision.GO, Decision.WAIT, Decision.FULL, Decision.OPEN
FOREVER = 10**15
START = 1_795_000_000 * SECOND
"""Microseconds since the epoch, as Redis's TIME returns them, with the precision of a double."""

LIMITS = st.integers(1, 12) | st.sampled_from([20, 21, 30, 100])
GAPS = st.integers(0, 3) | st.integers(0, WINDOW // 4) | st.integers(0, 3 * WINDOW)
MAX_WAITS = st.sampled_from([0, 1, SECOND // 10, WINDOW, 10 * SECOND, FOREVER])
CLIENTS = st.sampled_from(["", "a", "a", "b", "c"])
REQUESTS = st.tuples(GAPS, st.booleans(), CLIENTS, MAX_WAITS)


def may_go(state: LimiterState, now: int, *, is_write: bool = False) -> bool:
    return state.acquire(now, 0, is_write=is_write).decision is GO


@given(limit=LIMITS, requests=st.lists(REQUESTS, max_size=150))
def test_no_window_has_more_requests_than_the_limit(
    limit: int, requests: list[tuple[int, bool, str, int]]
) -> None:
    state, now = LimiterState(RateLimit(limit)), START
    left: list[int] = []
    for gap, is_write, client, max_wait in requests:
        now += gap
        if state.acquire(now, max_wait, is_write=is_write, client=client).decision is GO:
            left.append(now)
    assert all(last - first >= WINDOW for first, last in zip(left, left[limit:], strict=False))


@given(limit=LIMITS, requests=st.lists(REQUESTS, max_size=80))
def test_reads_always_leave_the_reserve_for_writes(
    limit: int, requests: list[tuple[int, bool, str, int]]
) -> None:
    state, now = LimiterState(RateLimit(limit)), START
    assert limit == 1 or 1 <= state.rate_limit.reserve < limit
    for gap, is_write, client, max_wait in requests:
        now += gap
        admission = state.acquire(now, max_wait, is_write=is_write, client=client)
        if admission.decision is GO and not is_write:
            later = deepcopy(state)
            assert all(may_go(later, now, is_write=True) for _ in range(later.rate_limit.reserve))


@given(limit=LIMITS, requests=st.lists(REQUESTS, min_size=1, max_size=80))
def test_no_wait_exceeds_the_maximum_and_no_shorter_wait_is_rejected(
    limit: int, requests: list[tuple[int, bool, str, int]]
) -> None:
    state, now = LimiterState(RateLimit(limit)), START
    for gap, is_write, client, max_wait in requests:
        now += gap
        before = deepcopy(state)
        admission = state.acquire(now, max_wait, is_write=is_write, client=client)
        if admission.decision is WAIT:
            assert 0 < admission.wait <= max_wait
        elif admission.decision is FULL:
            assert admission.wait > max_wait
            before.acquire(now, -1, is_write=True)  # so that old slots expire there too
            assert state == before, "a rejected request takes no slot"
        else:
            assert admission == Admission(GO, 0, slot=now)


def arrival_times(gaps: list[int]) -> list[int]:
    times = [START]
    for gap in gaps:
        times.append(times[-1] + gap)
    return times


def simulate_reads(
    state: LimiterState, reads: list[tuple[int, str]], late: int = 0, max_wait: int = FOREVER
) -> list[tuple[int, int]]:
    """Return the index of each read and the time it was sent, in the order of sending.

    `reads`: time and client of each read. Reads try again at their next heartbeat or turn, `late`.
    """
    requests = [(at, number, None) for number, (at, _) in enumerate(reads)]
    heap: list[tuple[int, int, Ticket | None]] = list(requests)
    heapq.heapify(heap)
    left = []
    while heap:
        now, number, ticket = heapq.heappop(heap)
        arrived, client = reads[number]
        admission = state.acquire(
            now, max_wait - (now - arrived), is_write=False, client=client, ticket=ticket
        )
        if admission.decision is GO:
            left.append((number, now))
        elif admission.decision is WAIT:
            again = now + min(admission.wait, HEARTBEAT) + late
            heapq.heappush(heap, (again, number, admission.ticket))
    return left


@given(limit=LIMITS, gaps=st.lists(GAPS, max_size=60))
@example(limit=20, gaps=[0] * 60)
def test_reads_of_a_client_are_sent_in_order_and_no_later_than_if_all_were_paced(
    limit: int, gaps: list[int]
) -> None:
    state = LimiterState(RateLimit(limit))
    left = simulate_reads(state, [(at, "a") for at in arrival_times(gaps)])
    assert [number for number, _ in left] == list(range(len(gaps) + 1))
    next_read = START
    for arrived, (_, at) in zip(arrival_times(gaps), left, strict=True):
        paced_at = max(arrived, next_read)
        assert at <= paced_at
        next_read = paced_at + state.rate_limit.pace


@given(limit=LIMITS)
def test_half_of_the_slots_are_for_a_burst_of_reads(limit: int) -> None:
    """A page with an empty cache does not wait then. The other slots are available one by one."""
    state = LimiterState(RateLimit(limit))
    left = [at - START for _, at in simulate_reads(state, [(START, "a")] * limit)]
    burst = max(1, limit // 2)
    assert left[:burst] == [0] * burst
    assert all(b - a >= state.rate_limit.pace for a, b in pairwise(left[burst - 1 :]))


@given(limit=LIMITS, elapsed=st.integers(0, WINDOW - 1) | st.integers(WINDOW, 3 * WINDOW))
def test_a_slot_is_moved_to_the_time_at_which_the_request_is_sent(limit: int, elapsed: int) -> None:
    """Other requests were sent while the connection was being opened."""
    state = LimiterState(RateLimit(limit))
    slot = state.acquire(START, 0, is_write=True).slot
    others = [START + number * WINDOW // limit for number in range(1, 3 * limit)]
    left = [at for at in others if at < START + elapsed and may_go(state, at, is_write=True)]
    now = START + elapsed
    while (moved := state.acquire(now, FOREVER, is_write=False, moved=slot)).decision is WAIT:
        now += moved.wait
    assert moved.slot == now
    assert elapsed >= WINDOW or now == START + elapsed, "the slot is still reserved"
    left += [at for at in others if at > now and may_go(state, at, is_write=True)]
    sent = sorted([*left, now])
    assert all(last - first >= WINDOW for first, last in zip(sent, sent[limit:], strict=False))


def test_a_probe_is_sent_even_if_connecting_took_long() -> None:
    state = LimiterState(RateLimit(20))
    for _ in range(5):
        state.report_failure(START)
    probe = state.acquire(START + PROBE_INTERVAL, 0, is_write=False).slot
    later = START + PROBE_INTERVAL + SECOND // 2
    assert state.acquire(later, 0, is_write=False).decision is OPEN
    assert state.acquire(later, 0, is_write=False, moved=probe).decision is GO


@few_examples
@given(limit=LIMITS, readers=st.integers(1, 90), late=st.integers(0, SECOND // 20))
@example(limit=20, readers=60, late=SECOND // 50)
def test_under_constant_demand_the_rate_limit_is_used_up(
    limit: int, readers: int, late: int
) -> None:
    state = LimiterState(RateLimit(limit))
    left = [at for _, at in simulate_reads(state, [(START, "a")] * readers, late)]
    assert len(left) == readers
    policies = (
        readers // (limit - state.rate_limit.reserve) + 1
    )  # each of which a late request may fill
    assert left[-1] - START <= readers * state.rate_limit.pace + (policies + 1) * late
    if not late:
        assert all(later - earlier >= state.rate_limit.pace for earlier, later in pairwise(left)), (
            "paced"
        )


@few_examples
@given(
    backlog=st.integers(1, 190),
    others=st.integers(0, 18),
    requested_at=st.integers(0, 5 * SECOND),
    late=st.integers(0, SECOND // 100),
)
@example(backlog=190, others=18, requested_at=SECOND, late=SECOND // 100)
def test_a_backlog_delays_the_first_read_of_another_client_by_at_most_2_s(
    backlog: int, others: int, requested_at: int, late: int
) -> None:
    """This holds while fewer than twenty clients wait, each with any number of reads."""
    clients = [f"busy-{number}" for number in range(others + 1)]
    reads = [(START, client) for client in clients for _ in range(backlog)]
    reads += [(START + requested_at, "first")]
    left = dict(simulate_reads(LimiterState(RateLimit(20)), reads, late, max_wait=10 * SECOND))
    assert left[len(reads) - 1] - (START + requested_at) <= 2 * SECOND


def test_a_single_client_gets_all_slots_for_reads() -> None:
    left = simulate_reads(
        LimiterState(RateLimit(20)), [(START, "office")] * 300, max_wait=10 * SECOND
    )
    assert len(left) == 1 + 10 * SECOND // RateLimit(20).pace


@given(limit=LIMITS, readers=st.integers(1, 60))
def test_unpaced_reads_are_sent_as_soon_as_a_slot_is_free(limit: int, readers: int) -> None:
    state = LimiterState(RateLimit(limit, is_paced=False))
    room = limit - state.rate_limit.reserve
    left = [at - START for _, at in simulate_reads(state, [(START, "a")] * readers)]
    assert left == [number // room * WINDOW for number in range(readers)]


def test_an_unpaced_read_that_cannot_be_sent_in_time_is_rejected() -> None:
    state = LimiterState(RateLimit(20, is_paced=False))
    is_known = [state.acquire(START, 10 * SECOND, is_write=False).decision for _ in range(300)]
    assert 19 * 9 <= len(is_known) - is_known.count(FULL) <= 19 * 11


def test_only_a_client_with_a_backlog_is_rejected_for_it() -> None:
    state = LimiterState(RateLimit(20))
    admissions = [state.acquire(START, 10 * SECOND, is_write=False, client="a") for _ in range(300)]
    assert admissions[-1].decision is FULL
    assert state.acquire(START, 10 * SECOND, is_write=False, client="a").decision is FULL
    assert state.acquire(START, SECOND, is_write=False, client="b").decision is WAIT


def test_a_client_is_not_starved_by_a_stream_of_new_clients() -> None:
    """There are more new clients than the rate limit allows, so their first reads alone would use it up."""
    pace = RateLimit(20).pace
    reads = [(START + number * pace // 2, str(number)) for number in range(150)]
    reads.insert(1, (START + 1, "0"))
    left = dict(simulate_reads(LimiterState(RateLimit(20)), reads))
    assert left[1] - START <= 2 * 20 * pace


@given(readers=st.integers(1, 150), late=st.integers(1, 60 * SECOND))
def test_waiters_that_died_are_removed_within_a_second(readers: int, late: int) -> None:
    state = LimiterState(RateLimit(20))
    for _ in range(readers):
        state.acquire(START, 10 * SECOND, is_write=False, client="a")
    now = START + SECOND
    for client in ("a", "b"):
        assert state.acquire(
            now + late, 2 * RateLimit(20).pace, is_write=False, client=client
        ).decision in {
            GO,
            WAIT,
        }
    assert len(state.queue) <= 2


def test_a_late_waiter_keeps_its_turn() -> None:
    state = LimiterState(RateLimit(20))
    tickets = [state.acquire(START, FOREVER, is_write=False, client="a").ticket for _ in range(100)]
    late = START + 10 * SECOND
    new = state.acquire(late, FOREVER, is_write=False, client="a")
    responses = [
        state.acquire(late, FOREVER, is_write=False, client="a", ticket=ticket)
        for ticket in tickets[1:]
    ]
    after = state.acquire(late, FOREVER, is_write=False, client="a")
    assert new.decision is GO
    assert max(admission.wait for admission in responses) < after.wait


@given(
    limit=LIMITS, requests=st.lists(REQUESTS, max_size=20), paused_until=st.integers(1, 60 * SECOND)
)
def test_no_request_is_sent_during_a_pause(
    limit: int, requests: list[tuple[int, bool, str, int]], paused_until: int
) -> None:
    state, now = LimiterState(RateLimit(limit)), START
    until = START + paused_until
    state.pause(paused_until, START)
    state.pause(paused_until - 1, START)  # a shorter pause does not end it
    for gap, is_write, client, max_wait in requests:
        now += gap
        if now >= until:
            break
        admission = state.acquire(now, max_wait, is_write=is_write, client=client)
        assert admission.decision in {WAIT, FULL}
        assert admission.wait >= until - now
    assert may_go(state, until, is_write=True)


def test_requests_after_a_pause_are_sent_one_by_one() -> None:
    state = LimiterState(RateLimit(20))
    state.pause(SECOND, START)
    left = [at for _, at in simulate_reads(state, [(START, "a")] * 5)]
    assert left[0] == START + SECOND
    assert all(later - earlier >= state.rate_limit.pace for earlier, later in pairwise(left))


@given(
    limit=LIMITS,
    requests=st.lists(REQUESTS, max_size=60),
    back=st.integers(1, 3600 * SECOND),
    paused_until=st.integers(0, 2 * SECOND),
    failures=st.integers(0, 6),
)
def test_a_clock_that_steps_back_neither_delays_long_nor_admits_early(
    limit: int,
    requests: list[tuple[int, bool, str, int]],
    back: int,
    paused_until: int,
    failures: int,
) -> None:
    state, now, left = LimiterState(RateLimit(limit)), START, []
    for gap, is_write, client, max_wait in requests:
        now += gap
        if state.acquire(now, max_wait, is_write=is_write, client=client).decision is GO:
            left.append(now)
    if paused_until:
        state.pause(paused_until, now)
    for _ in range(failures):
        state.report_failure(now)
    recently = sum(at > now - WINDOW for at in left)
    there, now = now, now - back
    went = sum(may_go(state, now, is_write=True) for _ in range(limit + 1))
    assert went <= limit - recently
    assert not (went and paused_until)
    assert not (went and failures >= 5)
    assert there > now
    later = (
        now + max(WINDOW, paused_until, PROBE_INTERVAL if failures >= 5 else 0) + HEARTBEAT + GRACE
    )
    assert may_go(state, later, is_write=False)
    if failures < 5:
        assert may_go(state, later, is_write=True) or limit == 1


@given(limit=st.integers(1, 40), processes=st.integers(1, 40), requests=st.lists(GAPS, max_size=60))
def test_the_shares_of_all_processes_add_up_to_the_limit(
    limit: int, processes: int, requests: list[int]
) -> None:
    share = RateLimit(limit).share(processes)
    # With more processes than slots, each has one slot in a longer window.
    together, window = share.limit * processes, share.window
    assert together * WINDOW <= limit * (window + 1)
    assert together * WINDOW > limit * window // 2 or share.limit == 1
    books = [LimiterState(share) for _ in range(processes)]
    left = [
        now
        for now in arrival_times(requests)
        for state in books
        if may_go(state, now, is_write=True)
    ]
    assert all(b - a >= window for a, b in zip(left, left[together:], strict=False))
    if limit >= processes:
        assert all(b - a >= WINDOW for a, b in zip(left, left[limit:], strict=False))
