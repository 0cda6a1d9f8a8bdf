"""The circuit: it opens at the fifth failure in a row, tries one at a time, and closes at a success."""

from hypothesis import given
from hypothesis import strategies as st

from tests.videsk.test_terms import EVER, GO, OPEN, START, arrivals, go_at, law
from videsk.terms import SECOND, TRIAL, Answer, Book, Terms

FAILURES = 5
"""Guarantee 7: the circuit opens after so many in a row."""


@law
@given(before=st.lists(st.booleans(), max_size=30))
def test_the_circuit_opens_exactly_at_the_fifth_failure_in_a_row(before: list[bool]) -> None:
    book, row = Book(Terms(1000)), 0
    for failed in [*before, False, *[True] * FAILURES]:
        assert row < FAILURES
        assert book.ask(START, 0, is_write=True) == Answer(GO, 0)
        row = row + 1 if failed else 0
        if failed:
            book.fail(START)
        else:
            book.succeed()
        if row == FAILURES:
            break
    answer = book.ask(START, EVER, is_write=True)
    assert (answer.verdict, book.failures) == (OPEN, FAILURES)
    assert 3 * SECOND <= answer.wait <= 5 * SECOND, "guarantee 7: one trial every 3 to 5 s"


def opened() -> Book:
    book = Book(Terms(1000))
    for _ in range(FAILURES):
        book.fail(START)
    return book


@law
@given(gaps=st.lists(st.integers(0, TRIAL // 3), max_size=60), slow=st.integers(0, TRIAL - 1))
def test_an_open_circuit_lets_one_go_in_each_period_of_trial(gaps: list[int], slow: int) -> None:
    """Whose answer, a failure again, is here `slow` later."""
    book, failing_at = opened(), EVER * 10
    left: list[int] = []
    for now in arrivals(gaps):
        if failing_at <= now:
            book.fail(failing_at)
            failing_at = EVER * 10
        answer = book.ask(now, EVER, is_write=True)
        assert (answer.verdict is GO) == (now - (left or [START])[-1] >= TRIAL)
        if answer.verdict is GO:
            left.append(now)
            failing_at = now + slow
        else:
            assert answer.verdict is OPEN
            assert now + answer.wait == (left or [START])[-1] + TRIAL


def test_one_success_closes_the_circuit_and_the_count_starts_anew() -> None:
    book = opened()
    assert go_at(book, START + TRIAL)
    assert not go_at(book, START + TRIAL + 1, is_write=True)
    book.succeed()
    for _ in range(FAILURES - 1):
        assert go_at(book, START + TRIAL + 2, is_write=True)
        book.fail(START + TRIAL + 2)
    assert go_at(book, START + TRIAL + 2, is_write=True)
