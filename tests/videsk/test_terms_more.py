"""The instants at which the terms' periods meet: there a mutation run found nothing tested."""

from itertools import pairwise

import pytest

from tests.videsk.test_circuit import opened
from tests.videsk.test_terms import EVER, GO, OPEN, START, go_at
from videsk.terms import SECOND, TRIAL, WINDOW, Book, Terms


def test_a_window_is_longer_than_the_second_that_videsk_counts() -> None:
    book = Book(Terms(5))
    assert all(go_at(book, START, is_write=True) for _ in range(5))
    assert not go_at(book, START + SECOND, is_write=True), "guarantee 3: in any one second"
    assert go_at(book, START + WINDOW, is_write=True)
    assert WINDOW < 1.5 * SECOND


def test_a_place_is_free_again_exactly_a_window_after_it_was_taken() -> None:
    book = Book(Terms(2))
    for at in (START, START + 5):
        assert go_at(book, at, is_write=True)
    assert go_at(book, START + WINDOW, is_write=True)
    assert list(book.places) == [START + 5, START + WINDOW]


def test_a_failure_in_the_instant_that_ends_the_period_begins_a_new_one() -> None:
    book = opened()
    end = START + TRIAL
    book.fail(end)
    answer = book.ask(end, EVER, is_write=True)
    assert (answer.verdict, answer.wait) == (OPEN, TRIAL)


@pytest.mark.parametrize(("limit", "processes", "share", "window"), [
    (20, 4, 5, 7 * SECOND), (20, 3, 6, 7 * SECOND), (4, 4, 1, 7 * SECOND), (3, 4, 1, 28 * SECOND // 3),
])  # fmt: skip
def test_a_share_is_of_the_same_window_or_one_place_in_so_much_longer_a_one(
    limit: int, processes: int, share: int, window: int
) -> None:
    terms = Terms(limit, 7 * SECOND).share(processes)
    assert (terms.limit, terms.window) == (share, window)
    assert type(terms.window) is int, "microseconds are whole"


@pytest.mark.parametrize(
    ("limit", "reserve"), [(1, 0), (2, 1), (20, 1), (39, 1), (40, 2), (100, 5)]
)
def test_reads_leave_a_twentieth_to_writes_one_at_least(limit: int, reserve: int) -> None:
    assert Terms(limit).reserve == reserve
    book = Book(Terms(limit, is_paced=False))
    left = [
        now for now in range(START, START + WINDOW, WINDOW // 400)
        if book.ask(now, 0, is_write=False).verdict is GO
    ]  # fmt: skip
    assert len(left) == limit - reserve
    assert all(earlier < later for earlier, later in pairwise(left))


def test_a_longer_hold_lengthens_the_one_that_lasts_and_a_shorter_one_ends_none() -> None:
    book = Book(Terms(20))
    for pause, until in ((2 * SECOND, 2 * SECOND), (3 * SECOND, 4 * SECOND), (SECOND, 4 * SECOND)):
        book.hold_for(pause, START + SECOND if pause != 2 * SECOND else START)
        assert not go_at(book, START + until - 1, is_write=True)
    assert go_at(book, START + 4 * SECOND, is_write=True)
