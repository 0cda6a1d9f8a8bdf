"""Entries and generations in the process. Over Redis: tests/e2e/redis/test_store.py."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cache.store import ALL_ENTRIES, Entry, ProcessBackend, Store, process_store, read_entry

PREFIX = "tests:"
GROUPS = ("availability", "service:a")
OTHERS = ("availability", "service:b")


@dataclass
class Kept:
    """A store, and direct access to its backend."""

    store: Store
    write: Callable[[str, bytes], object]
    lose: Callable[[str], object]
    seconds_left: Callable[[str], float]
    another: Callable[[], Store]
    """The same entries as another process sees them (in the process's own backend, the same)."""
    sleep: Callable[[float], object] = time.sleep


@pytest.fixture(name="item")
def process_item(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The process's own store; tests/e2e/redis/test_store.py runs these tests over Redis."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    monkeypatch.setattr("cachelib.simple.time", lambda: time.time() + slept[0])
    store = process_store()
    behind: Any = store._backend
    left = lambda key: behind._cache[key][0] - time.time() - slept[0]  # noqa: E731
    return Kept(store, behind.set, behind.delete, left, lambda: store, sleep)


def remember(store: Store, key: str, groups: tuple[str, ...], body: bytes = b"[]") -> Entry:
    _, stamp = store.lookup(key, groups)
    entry = Entry(1_795_000_000.5, stamp, body)
    store.put(key, groups, entry.to_bytes(), 60)
    return entry


def test_nothing_is_found_before_it_is_put_and_then_it_is(item: Kept) -> None:
    assert item.store.lookup("k", GROUPS)[0] is None
    entry = remember(item.store, "k", GROUPS, b'["\xc3\xb1\\n", 1]\n \x00')
    assert item.another().lookup("k", GROUPS) == (entry, entry.stamp)
    assert item.store.lookup("other", GROUPS) == (None, entry.stamp)


@pytest.mark.parametrize("group", [*GROUPS, ALL_ENTRIES])
def test_an_entry_is_not_found_after_any_of_its_groups_was_outdated(item: Kept, group: str) -> None:
    entry = remember(item.store, "k", GROUPS)
    item.another().invalidate([group])
    found, stamp = item.store.lookup("k", GROUPS)
    assert found is None
    assert stamp != entry.stamp
    item.store.put("k", GROUPS, entry.to_bytes(), 60)  # by a reader that has read its stamp before
    assert item.store.lookup("k", GROUPS)[0] is None
    remember(item.store, "k", GROUPS)
    assert item.store.lookup("k", GROUPS)[0]


def test_an_entry_is_found_though_other_groups_were_outdated(item: Kept) -> None:
    entry = remember(item.store, "k", GROUPS)
    item.store.invalidate(["service:b", "user:a", "service:aa", "service", "a"])
    item.store.invalidate([])
    assert item.store.lookup("k", GROUPS)[0] == entry
    assert item.store.lookup("k", OTHERS)[0] is None


def test_an_entry_without_groups_belongs_to_everything(item: Kept) -> None:
    entry = remember(item.store, "services", ())
    item.store.invalidate(GROUPS)
    assert item.store.lookup("services", ())[0] == entry
    item.store.invalidate([ALL_ENTRIES])
    assert item.store.lookup("services", ())[0] is None


def test_two_processes_without_a_version_agree_on_one(item: Kept) -> None:
    stamps = {item.store.lookup("k", GROUPS)[1], item.another().lookup("k", GROUPS)[1]}
    item.lose("generation:service:a")
    again = {item.store.lookup("k", GROUPS)[1], item.another().lookup("l", GROUPS)[1]}
    assert len(stamps) == len(again) == 1
    assert stamps != again


class Interrupted(ProcessBackend):
    """Another looks between this one's finding no token and its adding one."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self.then: list[Callable[[], object]] = [then]

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        while self.then:
            self.then.pop()()
        return super().add(key, value, timeout)


def test_two_concurrent_processes_without_a_version_agree_on_one() -> None:
    stamps: list[bytes] = []
    backend = Interrupted(lambda: stamps.append(store.lookup("k", GROUPS)[1]))
    store = Store(backend)
    stamps.append(store.lookup("k", GROUPS)[1])
    assert len(stamps) == 2
    assert len(set(stamps)) == 1


@pytest.mark.parametrize("group", [*GROUPS, ALL_ENTRIES])
def test_a_lost_token_never_brings_an_old_entry_back(item: Kept, group: str) -> None:
    entry = remember(item.store, "k", GROUPS)
    for _ in range(3):
        item.store.invalidate([group])
        item.lose(f"generation:{group}")
        assert item.store.lookup("k", GROUPS)[0] is None
        item.store.put("k", GROUPS, entry.to_bytes(), 60)
        assert item.store.lookup("k", GROUPS)[0] is None


class Forgetful(ProcessBackend):
    """A Redis so full that it evicts each token immediately."""

    def set(self, key: str, value: Any, timeout: Any = None) -> bool | None:
        return None if key.startswith("generation:") else super().set(key, value, timeout)

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        return False


def test_where_no_token_stays_no_entry_is_found_after_a_write() -> None:
    store = Store(Forgetful())
    remember(store, "k", GROUPS)
    store.invalidate(["service:a"])
    assert store.lookup("k", GROUPS)[0] is None


NARROW = "generation:service:a"
DAY_SECONDS = 86400


def test_a_new_narrow_token_lives_a_minute_until_an_entry_is_stored_under_it(item: Kept) -> None:
    """So that requests for unknown ids do not fill Redis."""
    for _ in range(2):
        _, stamp = item.store.lookup("k", GROUPS)
        assert 55 < item.seconds_left(NARROW) <= 60
    item.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 700)
    assert 3600 + 695 < item.seconds_left(NARROW) <= 3600 + 700
    item.store.put("l", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 10)
    item.store.lookup("m", GROUPS)
    assert item.seconds_left(NARROW) > 3600 + 695, "what is stored with less time shortens nothing"
    item.store.put("l", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 10 * DAY_SECONDS)
    assert 2 * DAY_SECONDS - 5 < item.seconds_left(NARROW) <= 2 * DAY_SECONDS
    for wide in ("generation:everything", "generation:availability"):
        assert 2 * DAY_SECONDS - 10 < item.seconds_left(wide) <= 2 * DAY_SECONDS


def test_a_replaced_token_lives_two_days_whatever_is_looked_for(item: Kept) -> None:
    item.store.invalidate(GROUPS)
    item.store.put(
        "k", GROUPS, Entry(time.time(), item.store.lookup("k", GROUPS)[1], b"[]").to_bytes(), 60
    )
    item.store.lookup("l", GROUPS)
    for name in (NARROW, "generation:availability", "generation:changes"):
        assert 2 * DAY_SECONDS - 10 < item.seconds_left(name) <= 2 * DAY_SECONDS


def test_a_new_narrow_token_outlives_a_fetch_that_was_prepared(
    item: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a read in the middle of it would fetch a second time."""
    # The backend in the process counts from the second begun: 3 s are 2 s at least.
    monkeypatch.setattr("cache.store.NEW_TOKEN_SECONDS", 3)
    _, stamp = item.store.lookup("k", GROUPS)
    item.sleep(1.5)
    assert item.store.lookup("k", GROUPS)[1] == stamp
    item.store.prepare_fetch(GROUPS)
    item.sleep(1.7)
    assert item.store.lookup("k", GROUPS)[1] == stamp
    item.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 60)
    assert item.store.lookup("k", GROUPS)[0]


def test_a_token_that_has_ended_does_not_come_back(
    item: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.store.NEW_TOKEN_SECONDS", 1)
    _, stamp = item.store.lookup("k", GROUPS)
    item.sleep(1.1)
    item.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 60)
    found, later = item.store.lookup("k", GROUPS)
    assert (found, later != stamp) == (None, True)


def test_the_token_of_everything_is_no_narrow_one(item: Kept) -> None:
    remember(item.store, "services", ())
    item.store.lookup("form", ())
    left = item.seconds_left("generation:everything")
    assert 2 * DAY_SECONDS - 10 < left <= 2 * DAY_SECONDS


STAMP = b"0123456789abcdef.0123456789abcdef"
UNREADABLE = [
    b"",
    b"\n",
    b"garbage",
    b"[]",
    b"\x80\x05\x95",
    b"1795000000500\n[]",
    b"nan " + STAMP + b"\n[]",
    b"1.5 " + STAMP + b"\n[]",
    b"1 2 " + STAMP + b"\n[]",
    b"9" * 400 + b" " + STAMP + b"\n[]",
    b"9" * 5000 + b" " + STAMP + b"\n[]",
    b"1795000000500 \xff\xfe\n[]",
    b"1795000000500 " + STAMP,
]


@pytest.mark.parametrize("stored", UNREADABLE, ids=lambda stored: repr(stored[:20]))
def test_what_cannot_be_read_is_no_entry(item: Kept, stored: bytes) -> None:
    remember(item.store, "k", GROUPS)
    item.write("k", stored)
    assert item.store.lookup("k", GROUPS)[0] is None
    assert read_entry("k", stored, STAMP) is None
    remember(item.store, "k", GROUPS)
    assert item.store.lookup("k", GROUPS)[0]


@given(stored=st.binary(max_size=60) | st.from_regex(rb"[0-9_+-]{1,6} [a-f0-9.]*\n?.{0,5}"))
@example(stored=b"1_0 \n")
def test_whatever_the_bytes_reading_them_raises_nothing(stored: bytes) -> None:
    found = read_entry("k", stored, STAMP)
    assert found is None or found.stamp == STAMP


@given(
    requested_at=st.integers(0, 4 * 10**12).map(lambda ms: ms / 1000), body=st.binary(max_size=50)
)
def test_an_entry_round_trips(requested_at: float, body: bytes) -> None:
    entry = Entry(requested_at, STAMP, body)
    read = read_entry("k", entry.to_bytes(), STAMP)
    assert read
    assert (read.stamp, read.body) == (STAMP, body)
    assert requested_at - 0.0011 <= read.requested_at <= requested_at, (
        "it never looks younger than it is"
    )


@pytest.mark.parametrize("within", [0.05, 0.9])
def test_an_entry_is_kept_as_long_as_was_said(item: Kept, within: float) -> None:
    """At whatever moment of a second it is put."""
    _, stamp = item.store.lookup("k", GROUPS)
    item.sleep((within - time.time()) % 1)
    item.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 1)
    item.sleep(0.3)
    assert item.store.lookup("k", GROUPS)[0]


def test_clearing_the_process_s_own_store_forgets_all() -> None:
    store = process_store()
    before = remember(store, "k", GROUPS)
    store.clear()
    found, stamp = store.lookup("k", GROUPS)
    assert found is None
    assert stamp != before.stamp
