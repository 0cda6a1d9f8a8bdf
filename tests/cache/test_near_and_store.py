"""Near cache and store together: a reader in another process, at every moment of a write."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from cache.near import Near
from cache.store import EVERYTHING, Entry, ProcessBackend, Store, redis_store
from tests.processes import redis_server

KEY, GROUPS = "hours", ("availability", "service:a")
MANY_GROUPS = [f"service:{number:024x}" for number in range(74)]
"""redis-py sends a pipeline in pieces of about 6,000 bytes; these are more than one piece."""


class Interruptible(ProcessBackend):
    """Another process acts after each single write, as it may in Redis without MULTI."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] = lambda: None

    def set(self, key: str, value: object, timeout: Any = None) -> bool | None:
        done = super().set(key, value, timeout)
        self.meanwhile()
        return done


class Reader:
    """A process that reads as the fast path and the application do: near, else from the store."""

    def __init__(self, store: Store) -> None:
        self.near: Near[bytes] = Near(store.changes)
        self._store = store

    def read(self) -> bytes | None:
        """None: the store holds nothing, so that Videsk would be asked."""
        kept = self.near.get(KEY)
        if kept is not None:
            return kept
        token = self.near.token
        entry, _ = self._store.look(KEY, GROUPS)
        if entry:
            self.near.put(KEY, entry.body, 1e12, token, 1)
        return entry.body if entry else None


@pytest.mark.parametrize("group", [*GROUPS, EVERYTHING])
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_reader_at_any_moment_of_a_write_keeps_nothing_old_near(group: str, place: str) -> None:
    backend = Interruptible()
    store = Store(backend)
    reader = Reader(store)
    _, stamp = store.look(KEY, GROUPS)
    store.put(KEY, GROUPS, Entry(1_795_000_000, stamp, b"old"), 60)
    reader.read()
    assert reader.read() == b"old"
    reads: list[bytes | None] = []
    backend.meanwhile = lambda: reads.append(reader.read())
    others = MANY_GROUPS[:5]
    store.outdate([group, *others] if place == "first" else [*others, group])
    assert len(reads) >= 7
    assert reader.read() is None


@pytest.fixture
def quiet() -> Iterator[Redis]:
    with redis_server() as server:
        yield Redis(port=server.port)


def test_redis_is_given_the_token_of_changes_after_those_of_all_groups(quiet: Redis) -> None:
    watching: Any = quiet
    with watching.monitor() as monitor:
        redis_store(quiet, "tests:").outdate(MANY_GROUPS)
        written: list[str] = []
        while "tests:generation:changes" not in written:
            words = monitor.next_command()["command"].split()
            if words[0].upper() == "SET":
                written.append(words[1])
    assert sorted(written[:-1]) == [f"tests:generation:{group}" for group in MANY_GROUPS]
