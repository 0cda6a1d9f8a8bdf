"""Reader in one process, without Redis: what it serves, and how often it fetches."""

from typing import Any

import pytest

from cache.near import Near
from cache.policy import Window
from cache.reader import Reader
from cache.store import process_store
from meter import Meter

WINDOW = Window(10, 1000)


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(clock: Clock) -> Reader:
    store = process_store()
    near: Near[Any] = Near(store.changes)
    return Reader(None, store, near, Meter(), clock)


@pytest.mark.parametrize(
    ("age_seconds", "peeked"), [(0, b"[1]"), (9.9, b"[1]"), (10, None), (11, None)]
)
def test_peek_returns_a_fresh_entry_only(
    reader: Reader, clock: Clock, age_seconds: float, peeked: bytes | None
) -> None:
    assert reader.peek("services", (), WINDOW) is None
    reader.read("services", (), WINDOW, lambda _: b"[1]", seconds=1)
    clock.now += age_seconds
    assert reader.peek("services", (), WINDOW) == peeked


def test_peek_returns_nothing_where_nothing_is_cached(reader: Reader) -> None:
    """A TTL of 0: the store may hold an entry of before a restart with another TTL."""
    reader.read("services", (), WINDOW, lambda _: b"[1]", seconds=1)
    assert reader.peek("services", (), Window(0, 1000)) is None
