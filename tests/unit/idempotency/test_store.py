"""Records of POSTs in the process, and their format. In Redis: tests/e2e/redis/test_idempotency_store.py."""

import zlib
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotency import store
from idempotency.store import UNREADABLE, LocalStore, Record, RedisStore, new_owner

RESPONSE = {
    "status": 201,
    "headers": {"Content-Type": "application/json"},
    "body": '{"ñ":"\U0001f600"}',
}
PREFIX = "tests:"
DAY = 86_400

AnyStore = RedisStore | LocalStore


@pytest.fixture
def records() -> AnyStore:
    return LocalStore()


def new_record(fingerprint: str = "a-request") -> Record:
    return Record(fingerprint, new_owner())


def finished_record(record: Record) -> Record:
    return replace(record, state="answered", response=RESPONSE)


def record_in_doubt(record: Record) -> Record:
    return replace(record, state="doubt")


def test_the_first_record_is_stored_and_returned_to_all_others(records: AnyStore) -> None:
    first, second = new_record(), new_record("another-request")
    assert records.begin("a", first, 60) is None
    assert records.begin("a", second, 60) == first
    assert records.begin("a", second, 60) == first
    assert records.begin("b", second, 60) is None, "names are independent"


def test_finishing_replaces_the_record_and_publishes_the_outcome(records: AnyStore) -> None:
    first, second = new_record(), new_record()
    records.begin("a", first, 60)
    assert records.outcome(first.owner)[0] is None
    records.end("a", record_in_doubt(first), DAY, finished_record(first))
    assert records.begin("a", second, 60) == record_in_doubt(first)
    assert records.outcome(first.owner) == (finished_record(first), False)
    assert records.outcome(second.owner)[0] is None


def test_a_record_kept_for_0_seconds_is_removed_but_has_an_outcome(
    records: AnyStore,
) -> None:
    first, second = new_record(), new_record()
    records.begin("a", first, 60)
    records.end("a", record_in_doubt(first), 0, finished_record(first))
    assert records.outcome(first.owner)[0] == finished_record(first)
    assert records.begin("a", second, 60) is None


def test_an_outcome_is_stored_even_if_its_record_was_lost(records: AnyStore) -> None:
    first = new_record()
    records.end("a", finished_record(first), DAY, finished_record(first))
    assert records.begin("a", new_record(), 60) == finished_record(first)


def test_a_token_removes_only_the_record_that_it_is_linked_to(records: AnyStore) -> None:
    first, other = new_record(), new_record()
    for name, record in (("a", first), ("b", other)):
        records.begin(name, record, 60)
    records.link_token("a-token", "a", 60)
    records.link_token("a-token-of-none", "nothing", 60)
    for token in ("another-token", "a-token-of-none"):
        records.forget_by_token(token)
    assert records.begin("a", new_record(), 60) == first
    records.forget_by_token("a-token")
    assert records.begin("b", new_record(), 60) == other
    assert records.begin("a", new_record(), 60) is None


# In the process


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(store, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_record_is_kept_for_its_ttl(clock: list[float]) -> None:
    local, first, second = LocalStore(), new_record(), new_record()
    local.begin("a", first, 60)
    local.end("b", finished_record(second), DAY, finished_record(second))
    local.link_token("a-token", "b", 10)
    clock[0] += 29.9
    assert local.outcome(second.owner)[0] == finished_record(second)
    local.forget_by_token("a-token")
    assert local.begin("b", new_record(), 60) == finished_record(second), "the link had expired"
    clock[0] += 0.1
    assert local.outcome(second.owner) == (None, False)
    clock[0] += 29.9
    assert local.begin("a", second, 60) == first
    clock[0] += 0.1
    assert local.begin("a", second, 60) is None
    clock[0] += DAY - 60
    assert local.begin("b", first, 60) is None


def test_a_name_can_be_forgotten() -> None:
    local, first = LocalStore(), new_record()
    local.begin("a", first, 60)
    local.forget("b")
    assert local.begin("a", new_record(), 60) == first
    local.forget("a")
    assert local.begin("a", new_record(), 60) is None
    assert local.outcome(first.owner) == (None, False)


def test_expired_records_are_evicted_first_and_then_the_oldest(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_LOCAL_RECORDS", 3)
    local = LocalStore()
    held = {name: new_record() for name in "abcdef"}
    local.begin("a", held["a"], 60)
    local.begin("b", held["b"], 0)
    local.begin("c", held["c"], 60)
    local.begin("d", held["d"], 60)
    assert local.begin("a", new_record(), 60) == held["a"], "b had expired, so a was not evicted"
    local.end(
        "a", finished_record(held["a"]), 60, finished_record(held["a"])
    )  # now c is the oldest
    assert local.begin("c", new_record(), 60) is None
    assert len(local._values) == 3


def test_a_record_that_finishes_is_no_longer_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_LOCAL_RECORDS", 4)
    local, first, second = LocalStore(), new_record(), new_record()
    local.begin("a", first, 60)
    local.begin("b", second, 60)
    local.end("a", finished_record(first), 60, finished_record(first))
    local.begin("c", new_record(), 60)
    local.begin("d", new_record(), 60)
    assert local.begin("a", new_record(), 60) == finished_record(first)
    assert local.begin("b", new_record(), 60) is None


# What is stored


@given(
    fingerprint=st.text(),
    owner=st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    state=st.sampled_from(["started", "answered", "doubt"]),
    body=st.text(st.characters(codec="utf-8")),
)
def test_a_record_round_trips(fingerprint: str, owner: str, state: str, body: str) -> None:
    record = Record(fingerprint, owner, state, RESPONSE | {"body": body})
    assert Record.from_bytes(record.to_bytes()) == record
    bare = Record(fingerprint, owner, state)
    assert Record.from_bytes(bare.to_bytes()) == bare


@pytest.mark.parametrize(
    "stored",
    [
        b"", b"1", b"1 ", b"1 owner", b"1 owner ", b"1 owner nothing", b"not a record",
        b"1 owner " + zlib.compress(b"[]"), b'{"fingerprint": "x"}',
        Record("a-request", "owner").to_bytes()[:-12], b"2" + Record("a-request", "owner").to_bytes()[1:],
    ],
)  # fmt: skip
def test_an_unreadable_stored_record_is_in_doubt(stored: bytes) -> None:
    """It may be from another release during an upgrade. It must cause neither an error nor a booking."""
    assert Record.from_bytes(stored) is UNREADABLE
    assert (UNREADABLE.state, UNREADABLE.response) == ("doubt", None)


def test_records_of_later_releases_may_have_more_fields() -> None:
    record = finished_record(new_record())
    deflate = zlib.compressobj(9, zdict=store._ZLIB_DICTIONARY)
    text = b'["a-request", "answered", null, "a field of a later release"]'
    stored = b"1 %b %b" % (record.owner.encode(), deflate.compress(text) + deflate.flush())
    assert Record.from_bytes(stored) == Record("a-request", record.owner, "answered")


def test_a_rejection_takes_little_space() -> None:
    body = '{"name":"Conflict","message":"Sorry, the hour is unavailable.","code":409,"className":"conflict","errors":{}}'
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Error-Source": "videsk"}
    record = Record(
        "x" * 22, new_owner(), "answered", {"status": 409, "headers": headers, "body": body}
    )
    assert len(record.to_bytes()) < len(body)


def test_every_owner_is_unique() -> None:
    owners = {new_owner() for _ in range(100)}
    assert len(owners) == 100
    assert all(len(owner) == 16 and owner.isalnum() for owner in owners)
