"""What an entry's age means, as a table and as laws over every age and every window."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache.policy import Freshness, Window, decide, ttl

law = settings(deadline=None, derandomize=True, max_examples=300)

FRESH, STALE, GONE = Freshness.FRESH, Freshness.STALE, Freshness.GONE

SECONDS = st.integers(0, 90_000) | st.floats(0, 90_000)
WINDOWS = st.builds(Window, SECONDS, SECONDS)
REMEMBERING = WINDOWS.filter(lambda window: window.remembers)
AGES = st.integers(-90_000, 200_000) | st.floats(-90_000, 200_000)


@pytest.mark.parametrize(
    ("window", "age_seconds", "freshness", "left"),
    [
        (Window(5, 30), 0, FRESH, 5),
        (Window(5, 30), 0.001, FRESH, 5),
        (Window(5, 30), 4.2, FRESH, 1),
        (Window(5, 30), 4.999, FRESH, 1),
        (Window(5, 30), 5, STALE, -1),
        (Window(5, 30), 5.001, STALE, -1),
        (Window(5, 30), 6, STALE, -1),
        (Window(5, 30), 6.5, STALE, -2),
        (Window(5, 30), 34.9, STALE, -30),
        (Window(5, 30), 35, GONE, None),
        (Window(5, 0), 4.9, FRESH, 1),
        (Window(5, 0), 5, GONE, None),
        (Window(0.3, 0), 0.2, FRESH, 1),
        (Window(5, 30), -3600, FRESH, 5),
        (Window(5, 0), -0.001, FRESH, 5),
    ],
)
def test_what_an_age_means(
    window: Window, age_seconds: float, freshness: Freshness, left: int | None
) -> None:
    assert decide(age_seconds, window) is freshness
    assert left is None or ttl(age_seconds, window) == left


@law
@given(age_seconds=AGES, window=REMEMBERING)
def test_what_is_served_is_fresh_if_seconds_are_left_and_stale_if_not(
    age_seconds: float, window: Window
) -> None:
    freshness, left = decide(age_seconds, window), ttl(age_seconds, window)
    assert left != 0
    assert (freshness is FRESH) == (left > 0)
    assert (freshness is STALE) <= (left < 0)
    assert left <= window.keep_seconds
    assert freshness is GONE or left >= -max(1, window.keep_seconds)


@law
@given(age_seconds=AGES, window=REMEMBERING)
def test_the_store_keeps_an_entry_as_long_as_it_can_be_used(
    age_seconds: float, window: Window
) -> None:
    assert window.keep_seconds >= 1
    if age_seconds >= window.keep_seconds:
        assert decide(age_seconds, window) is GONE


@law
@given(ages=st.lists(AGES, min_size=2, max_size=2).map(sorted), window=REMEMBERING)
def test_an_entry_never_gets_younger(ages: list[float], window: Window) -> None:
    order = [FRESH, STALE, GONE]
    younger, older = (order.index(decide(age, window)) for age in ages)
    assert younger <= older
    assert ttl(ages[0], window) >= ttl(ages[1], window)


@law
@given(age_seconds=st.floats(-90_000, -0.001), window=REMEMBERING)
def test_an_entry_from_the_future_is_as_fresh_as_one_of_this_moment(
    age_seconds: float, window: Window
) -> None:
    assert decide(age_seconds, window) is decide(0, window) is FRESH
    assert ttl(age_seconds, window) == ttl(0, window)


@law
@given(age_seconds=AGES, stale_seconds=SECONDS)
def test_where_nothing_is_remembered_nothing_that_is_found_is_served(
    age_seconds: float, stale_seconds: float
) -> None:
    """Entries of before a restart with a TTL of 0, which means "not cached"."""
    window = Window(0, stale_seconds)
    assert not window.remembers
    assert decide(age_seconds, window) is GONE
