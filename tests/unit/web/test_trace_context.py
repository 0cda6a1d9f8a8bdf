"""Which `traceparent` and `tracestate` headers are valid (W3C Trace Context, level 2)."""

import pytest

from web.trace_context import traceparent, tracestate

IDS = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
VALID = f"00-{IDS}"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@"
VALUE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")


def state_of(state: str, parent: str = VALID) -> str | None:
    return tracestate({"HTTP_TRACEPARENT": parent, "HTTP_TRACESTATE": state})


@pytest.mark.parametrize(
    "value", [VALID, f"01-{IDS}", f"fe-{IDS}", f"cc-{IDS}-", f"cc-{IDS}-what-the-future.is"]
)
def test_a_valid_traceparent(value: str) -> None:
    assert traceparent({"HTTP_TRACEPARENT": value}) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"ff-{IDS}",
        f"0-{IDS}",
        f"CC-{IDS}",
        f"{VALID}-what-the-future-is",
        f"{VALID}-",
        f"cc-{IDS}.what-the-future-is",
        f"cc-{IDS}-a b",
        f"cc-{IDS}-\x00",
        f"cc-{IDS}-{'x' * 1000}",
        f"cc-{IDS},cc-{IDS}",
        f"cc-{IDS}-x,cc-{IDS}-x",
        f"{VALID},{VALID}",
        f" {VALID}",
        f"{VALID}\n",
    ],
)
def test_an_invalid_traceparent(value: str) -> None:
    assert traceparent({"HTTP_TRACEPARENT": value}) is None
    assert state_of("a=1", value) is None


@pytest.mark.parametrize(
    "value",
    [
        "a=1",
        "a=1,b=2",
        "a=1 \t,\t b=2",
        ",a=1,,b=2, ",
        "a= 1",
        "0=1",
        "tenant@system=1",
        "a@@b=1",
        "a=1,a=2",
        f"{KEY}={VALUE}",
        f"{'k' * 256}={'v' * 255}",
        ",".join(f"k{number}=1" for number in range(32)),
    ],
)
def test_a_valid_tracestate_is_forwarded_unchanged(value: str) -> None:
    assert state_of(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        " , \t",
        "a",
        "=1",
        "a=",
        "a=1=2",
        "A=1",
        "@a=1",
        "_a=1",
        "a =1",
        "a.b=1",
        "a=\t1",
        "a=1\x7f",
        "a=\xf1",
        "a=1;b=2,c",
        "a=1,B=2",
        f"{'k' * 257}=1",
        f"a={'v' * 257}",
        ",".join(f"k{number}=1" for number in range(33)),
    ],
)
def test_an_invalid_tracestate(value: str) -> None:
    assert state_of(value) is None


def test_a_long_tracestate_drops_large_members_first_and_then_the_last_ones() -> None:
    short = [f"k{number:02}={'v' * 28}" for number in range(15)]  # 32 characters each
    large = f"large={'v' * 123}"
    kept = ",".join(short)
    assert len(kept) == 494
    assert state_of(f"{large},{kept}") == kept
    assert state_of(f"{kept},a={'v' * 15}") == f"{kept},a={'v' * 15}"
    assert state_of(f"{kept},a={'v' * 16}") == kept
    assert state_of(f"{'k' * 250}={'v' * 250},{large},{large}") is None
