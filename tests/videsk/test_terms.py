"""The laws of the budget and the circuit, over any sequence of requests, and that both books, the
one in the process and the one in Redis, keep them alike.
"""

import heapq
import secrets
from copy import deepcopy
from itertools import count, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from redis_link import RedisLink
from tests.processes import Running
from videsk.gate import RedisGate
from videsk.terms import SECOND, WINDOW, Answer, Book, Terms, Verdict

law = settings(deadline=None, derandomize=True, max_examples=300)
law_on_redis = settings(deadline=None, derandomize=True, max_examples=150)

GO, WAIT, FULL, OPEN = Verdict.GO, Verdict.WAIT, Verdict.FULL, Verdict.OPEN
EVER = 10**15
START = 1_795_000_000 * SECOND
"""An epoch in microseconds, as Redis's clock tells it: what is lost in a double is lost there."""

LIMITS = st.integers(1, 12) | st.sampled_from([20, 21, 30, 100])
GAPS = st.integers(0, 3) | st.integers(0, WINDOW // 4) | st.integers(0, 3 * WINDOW)
PATIENCES = st.sampled_from([0, 1, SECOND // 10, WINDOW, 10 * SECOND, EVER])
ASKS = st.tuples(GAPS, st.booleans(), st.booleans(), PATIENCES)
REPORTS = st.tuples(
    GAPS, st.sampled_from(["success", "failure", "failure", "hold"]), st.integers(0, 2 * SECOND)
)


@pytest.fixture(scope="module")
def link(redis_process: Running) -> RedisLink:
    return RedisLink(f"redis://127.0.0.1:{redis_process.port}", verify_tls=True)


@law_on_redis
@given(
    limit=LIMITS,
    # In Redis the places live for a window of its real time, and an example takes a part of that.
    window=st.integers(20 * SECOND, 40 * SECOND) | st.just(1000 * SECOND),
    steps=st.lists(ASKS | ASKS | REPORTS, max_size=40),
)
def test_both_books_give_the_same_answers(
    link: RedisLink,
    limit: int,
    window: int,
    steps: list[tuple[int, bool, bool, int] | tuple[int, str, int]],
) -> None:
    terms = Terms(limit, window)
    here, there = Book(terms), RedisGate(link, f"{secrets.token_hex(8)}:", terms)
    now = START
    for step in steps:
        now += step[0] * window // WINDOW
        if len(step) == 4:
            _, is_write, comes_back, patience = step
            answers = [
                here.ask(now, patience, is_write=is_write, comes_back=comes_back),
                there.ask(patience, is_write=is_write, comes_back=comes_back, now=now),
            ]
            assert answers[0] == answers[1]
        else:
            _, what, pause = step
            there.report(what, pause, now=now)
            if what == "success":
                here.succeed()
            elif what == "failure":
                here.fail(now)
            else:
                here.hold_until(now + pause)


def test_the_book_of_all_is_read_back_on_this_process_s_clock(link: RedisLink) -> None:
    gate = RedisGate(link, f"{secrets.token_hex(8)}:", Terms(20))
    assert not gate.book().places
    for _ in range(3):
        assert gate.ask(0, is_write=True, comes_back=False).verdict is GO
    gate.report("failure")
    book = gate.book()
    assert (len(book.places), book.failures) == (3, 1)
    assert list(book.places) == sorted(book.places)


def go_at(book: Book, now: int, *, is_write: bool = False) -> bool:
    return book.ask(now, 0, is_write=is_write, comes_back=False).verdict is GO


@law
@given(limit=LIMITS, asks=st.lists(ASKS, max_size=150))
def test_of_any_limit_and_one_more_the_last_leaves_a_window_after_the_first(
    limit: int, asks: list[tuple[int, bool, bool, int]]
) -> None:
    book, now = Book(Terms(limit)), START
    left: list[int] = []
    for gap, is_write, comes_back, patience in asks:
        now += gap
        if book.ask(now, patience, is_write=is_write, comes_back=comes_back).verdict is GO:
            left.append(now)
    assert all(last - first >= WINDOW for first, last in zip(left, left[limit:], strict=False))


@law
@given(limit=LIMITS, asks=st.lists(ASKS, max_size=80))
def test_whenever_a_read_leaves_the_reserve_of_writes_may_leave_with_it(
    limit: int, asks: list[tuple[int, bool, bool, int]]
) -> None:
    book, now = Book(Terms(limit)), START
    assert limit == 1 or 1 <= book.terms.reserve < limit
    for gap, is_write, comes_back, patience in asks:
        now += gap
        answer = book.ask(now, patience, is_write=is_write, comes_back=comes_back)
        if answer.verdict is GO and not is_write:
            later = deepcopy(book)
            assert all(go_at(later, now, is_write=True) for _ in range(later.terms.reserve))


@law
@given(limit=LIMITS, asks=st.lists(ASKS, min_size=1, max_size=80))
def test_nobody_is_told_to_wait_longer_than_its_patience_and_nobody_is_turned_away_for_less(
    limit: int, asks: list[tuple[int, bool, bool, int]]
) -> None:
    book, now = Book(Terms(limit)), START
    for gap, is_write, comes_back, patience in asks:
        now += gap
        before = deepcopy(book)
        answer = book.ask(now, patience, is_write=is_write, comes_back=comes_back)
        if answer.verdict is WAIT:
            assert 0 < answer.wait <= patience
        elif answer.verdict is FULL:
            assert answer.wait > patience
            book.places = before.places = type(book.places)()  # those of long ago may be gone
            assert book == before, "who is turned away takes no place"
        else:
            assert answer == Answer(GO, 0, 0)


def arrivals(gaps: list[int]) -> list[int]:
    times = [START]
    for gap in gaps:
        times.append(times[-1] + gap)
    return times


def reads_leave(book: Book, asked_at: list[int]) -> tuple[list[int], int]:
    """When those leave who ask then and come back exactly when they are told, and the longest wait
    that anybody was told who had come back at its time.
    """
    ticket = count()
    queue = [(now, next(ticket), False) for now in asked_at]
    heapq.heapify(queue)
    left, longest = [], 0
    while queue:
        now, _, comes_back = heapq.heappop(queue)
        answer = book.ask(now, EVER, is_write=False, comes_back=comes_back)
        if answer.verdict is GO:
            left.append(now)
        else:
            longest = max(longest, answer.wait if comes_back else 0)
            heapq.heappush(queue, (now + answer.wait, next(ticket), True))
    return left, longest


@law
@given(limit=LIMITS, gaps=st.lists(GAPS, max_size=60))
@example(limit=20, gaps=[0] * 60)
def test_a_read_that_comes_back_at_its_time_goes(limit: int, gaps: list[int]) -> None:
    """But for the microseconds that rounding its pace has cost those before it."""
    _, longest = reads_leave(Book(Terms(limit)), arrivals(gaps))
    assert longest <= limit


@law
@given(limit=LIMITS, readers=st.integers(1, 150))
def test_under_constant_demand_the_budget_is_used(limit: int, readers: int) -> None:
    book = Book(Terms(limit))
    left, _ = reads_leave(book, [START] * readers)
    room = limit - book.terms.reserve
    assert left[-1] - START <= readers * WINDOW / room + readers
    assert all(later - earlier >= WINDOW // room for earlier, later in pairwise(left)), "paced"


@law
@given(limit=LIMITS, asks=st.lists(ASKS, max_size=20), hold=st.integers(1, 60 * SECOND))
def test_while_all_are_held_nobody_leaves_and_then_they_do(
    limit: int, asks: list[tuple[int, bool, bool, int]], hold: int
) -> None:
    book, now = Book(Terms(limit)), START
    until = START + hold
    book.hold_until(until)
    book.hold_until(until - 1)  # a shorter one ends none
    for gap, is_write, comes_back, patience in asks:
        now += gap
        if now >= until:
            break
        answer = book.ask(now, patience, is_write=is_write, comes_back=comes_back)
        assert answer.verdict in {WAIT, FULL}
        assert answer.wait >= until - now
    assert go_at(book, until, is_write=True)


def test_those_who_were_held_leave_one_by_one_and_not_in_one_burst() -> None:
    book = Book(Terms(20))
    book.hold_until(START + SECOND)
    told = [book.ask(START + 2, EVER, is_write=False, comes_back=True).wait for _ in range(5)]
    assert all(
        later - earlier >= WINDOW // (20 - book.terms.reserve) for earlier, later in pairwise(told)
    )


@law
@given(limit=st.integers(1, 40), processes=st.integers(1, 40), asks=st.lists(GAPS, max_size=60))
def test_the_shares_of_all_processes_together_keep_the_limit(
    limit: int, processes: int, asks: list[int]
) -> None:
    share = Terms(limit).share(processes)
    # More processes than places: each has one in so much longer a window.
    together, window = share.limit * processes, share.window
    assert together * WINDOW <= limit * (window + 1)
    assert together * WINDOW > limit * window // 2 or share.limit == 1
    books = [Book(share) for _ in range(processes)]
    left = [now for now in arrivals(asks) for book in books if go_at(book, now, is_write=True)]
    assert all(b - a >= window for a, b in zip(left, left[together:], strict=False))
    if limit >= processes:
        assert all(b - a >= WINDOW for a, b in zip(left, left[limit:], strict=False))
