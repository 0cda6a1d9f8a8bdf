"""Strict JSON (https://www.rfc-editor.org/rfc/rfc8259): what is accepted, what is rejected, and what is sent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import strict_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


@given(value=VALUES)
def test_written_json_is_read_back_by_other_parsers(value: Any) -> None:
    written = strict_json.dumps(value)
    assert json.loads(written) == value
    assert strict_json.loads(written, unique_keys=True) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, 2.5, "x", true, false, null]}', {"a": [1, 2.5, "x", True, False, None]}),
        (b" \r\n\t0 ", 0),
        (b"1e308", 1e308),
        (b"1" + b"0" * 308, 10**308),
        (b"9007199254740993", 9007199254740993),
        (b'"\\ud83d\\ude00 \xc3\xb1"', "\U0001f600 ñ"),
        (b'"\\ud800"', "\ud800"),
        (b'"\\u0000"', "\0"),
    ],
)
def test_valid_json_is_read(text: bytes, value: object) -> None:
    assert strict_json.loads(text, unique_keys=True) == value


@pytest.mark.parametrize("unique_keys", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '"ñ"'.encode("latin-1"),
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"1e309",
        b"[-1e400]",
        b"1" + b"0" * 309,
        b"-" + b"9" * 400,
        b"9" * 5000,
        b"{",
        b"[1,]",
        b"{'a': 1}",
        b"{a: 1}",
        b"01",
        b"+1",
        b".5",
        b"0x10",
        b'"a\nb"',
        b'"\\x41"',
        b"{} {}",
        b"{}\0",
        b"null // a comment",
        b"<html>",
        b"True",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_invalid_json_is_a_value_error(text: bytes, *, unique_keys: bool) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict_json.loads(text, unique_keys=unique_keys)


@pytest.mark.parametrize(
    "text",
    [b'{"a": 1, "a": 1}', b'{"a": 1, "b": 2, "\\u0061": 3}', b'[{"x": {"a": [], "a": {}}}]'],
)
def test_duplicate_names_are_rejected_on_request_at_every_depth(text: bytes) -> None:
    with pytest.raises(ValueError, match="twice"):
        strict_json.loads(text, unique_keys=True)
    assert strict_json.loads(text) == json.loads(text)


def test_the_same_key_in_two_objects_is_not_a_duplicate() -> None:
    text = b'[{"a": {"a": 1}}, {"a": 2, "A": 3}]'
    assert strict_json.loads(text, unique_keys=True) == [{"a": {"a": 1}}, {"a": 2, "A": 3}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, b'{"b":1,"a":[true,null]}'),
        ("ñ \U0001f600", '"ñ \U0001f600"'.encode()),
        (["ñ", "\ud800"], b'["\\u00f1","\\ud800"]'),
        ({0: {"_id": ["x"]}}, b'{"0":{"_id":["x"]}}'),
    ],
)
def test_json_is_written_compact_in_order_and_in_utf_8(value: object, text: bytes) -> None:
    assert strict_json.dumps(value) == text


KEY = r'aZ9.-_"\/~'


@pytest.mark.parametrize(
    "spelled",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        json.dumps(KEY)[1:-1].replace("/", r"\/"),
        "".join(f"\\u{ord(character):04x}" for character in KEY),
        "".join(f"\\u{ord(character):04X}" for character in KEY),
        r"a\u005a9.\u002D_\"\\\/\u007E",
    ],
)
def test_a_text_is_found_in_every_escaped_form(spelled: str) -> None:
    pattern = strict_json.spellings_of(KEY)
    assert pattern.search(f'{{"m":"x{spelled}x","m":1}}')
    assert pattern.search(f'{{"{spelled}":1}}')


@pytest.mark.parametrize("spelled", [KEY.lower(), KEY[1:], KEY.replace(".", "x"), r"\u0061Z9"])
def test_another_text_is_not_found(spelled: str) -> None:
    assert not strict_json.spellings_of(KEY).search(f'"{spelled}"')


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1))
def test_a_text_is_found_in_the_output_of_other_encoders(text: str) -> None:
    for ensure_ascii in (True, False):
        written = json.dumps(["before", text, "after"], ensure_ascii=ensure_ascii)
        has_short_escape = any(character in "\b\t\n\f\r" for character in text)
        assert has_short_escape or strict_json.spellings_of(text).search(written)
