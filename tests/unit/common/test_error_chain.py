"""The chain of an exception."""

from common.error_chain import error_chain


def test_causes_and_contexts_are_in_the_chain_from_the_last_to_the_first() -> None:
    first, second, last = OSError("first"), ValueError("second"), RuntimeError("last")
    second.__context__ = first
    last.__cause__ = second
    assert error_chain(last) == [last, second, first]
    assert error_chain(first) == [first]
