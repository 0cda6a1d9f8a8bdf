"""Records of POSTs in the process, and how each is written. In Redis: tests/e2e/redis/test_idempotency_store.py."""

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

Either = RedisStore | LocalStore


@pytest.fixture
def kept() -> Either:
    return LocalStore()


def started(fingerprint: str = "a-request") -> Record:
    return Record(fingerprint, new_owner())


def answered(record: Record) -> Record:
    return replace(record, state="answered", response=RESPONSE)


def doubted(record: Record) -> Record:
    return replace(record, state="doubt")


def test_the_first_record_is_stored_and_returned_to_all_others(kept: Either) -> None:
    first, second = started(), started("another-request")
    assert kept.begin("a", first, 60) is None
    assert kept.begin("a", second, 60) == first
    assert kept.begin("a", second, 60) == first
    assert kept.begin("b", second, 60) is None, "names do not meet"


def test_an_ending_replaces_the_record_and_publishes_the_outcome(kept: Either) -> None:
    first, second = started(), started()
    kept.begin("a", first, 60)
    assert kept.outcome(first.owner)[0] is None
    kept.end("a", doubted(first), DAY, answered(first))
    assert kept.begin("a", second, 60) == doubted(first)
    assert kept.outcome(first.owner) == (answered(first), False)
    assert kept.outcome(second.owner)[0] is None


def test_what_is_kept_for_0_seconds_leaves_the_name_free_and_still_has_an_outcome(
    kept: Either,
) -> None:
    first, second = started(), started()
    kept.begin("a", first, 60)
    kept.end("a", doubted(first), 0, answered(first))
    assert kept.outcome(first.owner)[0] == answered(first)
    assert kept.begin("a", second, 60) is None


def test_an_ending_whose_record_is_lost_is_stored_all_the_same(kept: Either) -> None:
    first = started()
    kept.end("a", answered(first), DAY, answered(first))
    assert kept.begin("a", started(), 60) == answered(first)


def test_a_token_ends_the_record_that_it_is_linked_to_and_no_other(kept: Either) -> None:
    first, other = started(), started()
    for name, record in (("a", first), ("b", other)):
        kept.begin(name, record, 60)
    kept.link_token("a-token", "a", 60)
    kept.link_token("a-token-of-none", "nothing", 60)
    for token in ("another-token", "a-token-of-none"):
        kept.forget_by_token(token)
    assert kept.begin("a", started(), 60) == first
    kept.forget_by_token("a-token")
    assert kept.begin("b", started(), 60) == other
    assert kept.begin("a", started(), 60) is None


# In the process


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(store, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_what_is_kept_is_kept_as_long_as_was_said_and_no_longer(clock: list[float]) -> None:
    local, first, second = LocalStore(), started(), started()
    local.begin("a", first, 60)
    local.end("b", answered(second), DAY, answered(second))
    local.link_token("a-token", "b", 10)
    clock[0] += 29.9
    assert local.outcome(second.owner)[0] == answered(second)
    local.forget_by_token("a-token")
    assert local.begin("b", started(), 60) == answered(second), "the link was over"
    clock[0] += 0.1
    assert local.outcome(second.owner) == (None, False)
    clock[0] += 29.9
    assert local.begin("a", second, 60) == first
    clock[0] += 0.1
    assert local.begin("a", second, 60) is None
    clock[0] += DAY - 60
    assert local.begin("b", first, 60) is None


def test_a_name_can_be_forgotten() -> None:
    local, first = LocalStore(), started()
    local.begin("a", first, 60)
    local.forget("b")
    assert local.begin("a", started(), 60) == first
    local.forget("a")
    assert local.begin("a", started(), 60) is None
    assert local.outcome(first.owner) == (None, False)


def test_of_too_many_those_go_first_whose_time_is_over_and_then_the_oldest(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_LOCAL_RECORDS", 3)
    local = LocalStore()
    held = {name: started() for name in "abcdef"}
    local.begin("a", held["a"], 60)
    local.begin("b", held["b"], 0)
    local.begin("c", held["c"], 60)
    local.begin("d", held["d"], 60)
    assert local.begin("a", started(), 60) == held["a"], "b was over, so a had not to go"
    local.end("a", answered(held["a"]), 60, answered(held["a"]))  # now c is the oldest
    assert local.begin("c", started(), 60) is None
    assert len(local._values) == 3


def test_a_record_that_ends_is_no_longer_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_LOCAL_RECORDS", 4)
    local, first, second = LocalStore(), started(), started()
    local.begin("a", first, 60)
    local.begin("b", second, 60)
    local.end("a", answered(first), 60, answered(first))
    local.begin("c", started(), 60)
    local.begin("d", started(), 60)
    assert local.begin("a", started(), 60) == answered(first)
    assert local.begin("b", started(), 60) is None


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
def test_what_cannot_be_read_is_in_doubt(stored: bytes) -> None:
    """It may be of another release, in the middle of an upgrade: never a fault, never a booking."""
    assert Record.from_bytes(stored) is UNREADABLE
    assert (UNREADABLE.state, UNREADABLE.response) == ("doubt", None)


def test_a_later_release_may_add_to_what_is_stored() -> None:
    record = answered(started())
    deflate = zlib.compressobj(9, zdict=store._ZLIB_DICTIONARY)
    text = b'["a-request", "answered", null, "a field of a later release"]'
    stored = b"1 %b %b" % (record.owner.encode(), deflate.compress(text) + deflate.flush())
    assert Record.from_bytes(stored) == Record("a-request", record.owner, "answered")


def test_a_refusal_takes_little_space() -> None:
    body = '{"name":"Conflict","message":"Sorry, the hour is unavailable.","code":409,"className":"conflict","errors":{}}'
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Error-Source": "videsk"}
    record = Record(
        "x" * 22, new_owner(), "answered", {"status": 409, "headers": headers, "body": body}
    )
    assert len(record.to_bytes()) < len(body)


def test_owners_differ() -> None:
    owners = {new_owner() for _ in range(100)}
    assert len(owners) == 100
    assert all(len(owner) == 16 and owner.isalnum() for owner in owners)
