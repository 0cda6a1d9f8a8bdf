"""Entries and generations in the process. With a real Redis: tests/e2e/redis/test_store.py."""

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
class StoreAccess:
    """A store, and direct access to its backend."""

    store: Store
    write: Callable[[str, bytes], object]
    lose: Callable[[str], object]
    seconds_left: Callable[[str], float]
    other_process: Callable[[], Store]
    """Returns the store of another process with the same entries. Without Redis, it is the same store."""
    sleep: Callable[[float], object] = time.sleep


@pytest.fixture(name="access")
def process_access(monkeypatch: pytest.MonkeyPatch) -> StoreAccess:
    """Return the store in the process. tests/e2e/redis/test_store.py runs these tests with Redis."""
    elapsed = [0.0]

    def sleep(seconds: float) -> None:
        elapsed[0] += seconds

    monkeypatch.setattr("cachelib.simple.time", lambda: time.time() + elapsed[0])
    store = process_store()
    backend: Any = store._backend
    left = lambda key: backend._cache[key][0] - time.time() - elapsed[0]  # noqa: E731
    return StoreAccess(store, backend.set, backend.delete, left, lambda: store, sleep)


def put_entry(store: Store, key: str, groups: tuple[str, ...], body: bytes = b"[]") -> Entry:
    _, stamp = store.lookup(key, groups)
    entry = Entry(1_795_000_000.5, stamp, body)
    store.put(key, groups, entry.to_bytes(), 60)
    return entry


def test_an_entry_is_found_after_it_is_put(access: StoreAccess) -> None:
    assert access.store.lookup("k", GROUPS)[0] is None
    entry = put_entry(access.store, "k", GROUPS, b'["\xc3\xb1\\n", 1]\n \x00')
    assert access.other_process().lookup("k", GROUPS) == (entry, entry.stamp)
    assert access.store.lookup("other", GROUPS) == (None, entry.stamp)


@pytest.mark.parametrize("group", [*GROUPS, ALL_ENTRIES])
def test_an_entry_is_not_found_after_any_of_its_groups_was_invalidated(
    access: StoreAccess, group: str
) -> None:
    entry = put_entry(access.store, "k", GROUPS)
    access.other_process().invalidate([group])
    found, stamp = access.store.lookup("k", GROUPS)
    assert found is None
    assert stamp != entry.stamp
    access.store.put("k", GROUPS, entry.to_bytes(), 60)  # by a reader that read its stamp before
    assert access.store.lookup("k", GROUPS)[0] is None
    put_entry(access.store, "k", GROUPS)
    assert access.store.lookup("k", GROUPS)[0]


def test_an_entry_is_found_although_other_groups_were_invalidated(access: StoreAccess) -> None:
    entry = put_entry(access.store, "k", GROUPS)
    access.store.invalidate(["service:b", "user:a", "service:aa", "service", "a"])
    access.store.invalidate([])
    assert access.store.lookup("k", GROUPS)[0] == entry
    assert access.store.lookup("k", OTHERS)[0] is None


def test_an_entry_without_groups_belongs_to_all_entries(access: StoreAccess) -> None:
    entry = put_entry(access.store, "services", ())
    access.store.invalidate(GROUPS)
    assert access.store.lookup("services", ())[0] == entry
    access.store.invalidate([ALL_ENTRIES])
    assert access.store.lookup("services", ())[0] is None


def test_two_processes_without_a_version_agree_on_one(access: StoreAccess) -> None:
    stamps = {access.store.lookup("k", GROUPS)[1], access.other_process().lookup("k", GROUPS)[1]}
    access.lose("generation:service:a")
    again = {access.store.lookup("k", GROUPS)[1], access.other_process().lookup("l", GROUPS)[1]}
    assert len(stamps) == len(again) == 1
    assert stamps != again


class InterruptedBackend(ProcessBackend):
    """A backend in which another process acts between finding no token and adding one."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self.then: list[Callable[[], object]] = [then]

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        while self.then:
            self.then.pop()()
        return super().add(key, value, timeout)


def test_two_concurrent_processes_without_a_version_agree_on_one() -> None:
    stamps: list[bytes] = []
    backend = InterruptedBackend(lambda: stamps.append(store.lookup("k", GROUPS)[1]))
    store = Store(backend)
    stamps.append(store.lookup("k", GROUPS)[1])
    assert len(stamps) == 2
    assert len(set(stamps)) == 1


@pytest.mark.parametrize("group", [*GROUPS, ALL_ENTRIES])
def test_a_lost_token_never_restores_an_old_entry(access: StoreAccess, group: str) -> None:
    entry = put_entry(access.store, "k", GROUPS)
    for _ in range(3):
        access.store.invalidate([group])
        access.lose(f"generation:{group}")
        assert access.store.lookup("k", GROUPS)[0] is None
        access.store.put("k", GROUPS, entry.to_bytes(), 60)
        assert access.store.lookup("k", GROUPS)[0] is None


class EvictingBackend(ProcessBackend):
    """A Redis that is so full that it evicts each token immediately."""

    def set(self, key: str, value: Any, timeout: Any = None) -> bool | None:
        return None if key.startswith("generation:") else super().set(key, value, timeout)

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        return False


def test_if_tokens_are_evicted_no_entry_is_found_after_a_write() -> None:
    store = Store(EvictingBackend())
    put_entry(store, "k", GROUPS)
    store.invalidate(["service:a"])
    assert store.lookup("k", GROUPS)[0] is None


NARROW = "generation:service:a"
DAY_SECONDS = 86400


def test_a_new_narrow_token_expires_in_a_minute_unless_an_entry_is_stored(
    access: StoreAccess,
) -> None:
    """Otherwise requests for unknown ids would fill Redis."""
    for _ in range(2):
        _, stamp = access.store.lookup("k", GROUPS)
        assert 55 < access.seconds_left(NARROW) <= 60
    access.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 700)
    assert 3600 + 695 < access.seconds_left(NARROW) <= 3600 + 700
    access.store.put("l", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 10)
    access.store.lookup("m", GROUPS)
    assert access.seconds_left(NARROW) > 3600 + 695, (
        "a shorter TTL does not shorten the existing one"
    )
    access.store.put("l", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 10 * DAY_SECONDS)
    assert 2 * DAY_SECONDS - 5 < access.seconds_left(NARROW) <= 2 * DAY_SECONDS
    for wide in ("generation:everything", "generation:availability"):
        assert 2 * DAY_SECONDS - 10 < access.seconds_left(wide) <= 2 * DAY_SECONDS


def test_a_replaced_token_lives_two_days_after_any_lookup(access: StoreAccess) -> None:
    access.store.invalidate(GROUPS)
    access.store.put(
        "k", GROUPS, Entry(time.time(), access.store.lookup("k", GROUPS)[1], b"[]").to_bytes(), 60
    )
    access.store.lookup("l", GROUPS)
    for name in (NARROW, "generation:availability", "generation:changes"):
        assert 2 * DAY_SECONDS - 10 < access.seconds_left(name) <= 2 * DAY_SECONDS


def test_a_new_narrow_token_outlives_a_fetch_that_was_prepared(
    access: StoreAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a read during the fetch would fetch a second time."""
    # The backend in the process rounds times down to seconds: 3 s are at least 2 s.
    monkeypatch.setattr("cache.store.NEW_TOKEN_SECONDS", 3)
    _, stamp = access.store.lookup("k", GROUPS)
    access.sleep(1.5)
    assert access.store.lookup("k", GROUPS)[1] == stamp
    access.store.prepare_fetch(GROUPS)
    access.sleep(1.7)
    assert access.store.lookup("k", GROUPS)[1] == stamp
    access.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 60)
    assert access.store.lookup("k", GROUPS)[0]


def test_an_expired_token_does_not_come_back(
    access: StoreAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.store.NEW_TOKEN_SECONDS", 1)
    _, stamp = access.store.lookup("k", GROUPS)
    access.sleep(1.1)
    access.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 60)
    found, later = access.store.lookup("k", GROUPS)
    assert (found, later != stamp) == (None, True)


def test_the_token_of_all_entries_is_not_a_narrow_one(access: StoreAccess) -> None:
    put_entry(access.store, "services", ())
    access.store.lookup("form", ())
    left = access.seconds_left("generation:everything")
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
def test_unreadable_bytes_are_not_an_entry(access: StoreAccess, stored: bytes) -> None:
    put_entry(access.store, "k", GROUPS)
    access.write("k", stored)
    assert access.store.lookup("k", GROUPS)[0] is None
    assert read_entry("k", stored, STAMP) is None
    put_entry(access.store, "k", GROUPS)
    assert access.store.lookup("k", GROUPS)[0]


@given(stored=st.binary(max_size=60) | st.from_regex(rb"[0-9_+-]{1,6} [a-f0-9.]*\n?.{0,5}"))
@example(stored=b"1_0 \n")
def test_reading_arbitrary_bytes_raises_nothing(stored: bytes) -> None:
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
        "it never appears newer than it is"
    )


@pytest.mark.parametrize("within", [0.05, 0.9])
def test_an_entry_is_kept_for_its_ttl(access: StoreAccess, within: float) -> None:
    """This holds at any fraction of a second."""
    _, stamp = access.store.lookup("k", GROUPS)
    access.sleep((within - time.time()) % 1)
    access.store.put("k", GROUPS, Entry(time.time(), stamp, b"[]").to_bytes(), 1)
    access.sleep(0.3)
    assert access.store.lookup("k", GROUPS)[0]


def test_clearing_the_local_store_drops_all_entries() -> None:
    store = process_store()
    before = put_entry(store, "k", GROUPS)
    store.clear()
    found, stamp = store.lookup("k", GROUPS)
    assert found is None
    assert stamp != before.stamp
