import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.strict_json import parse_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=6), st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_an_object_is_read_in_every_spelling(
    value: dict[str, object], ascii_only: bool, marks: tuple[str, str]
) -> None:
    """With or without spaces and escapes an object means the same."""
    raw = json.dumps(value, ensure_ascii=ascii_only, separators=marks).encode()
    assert parse_object(raw) == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a":1,"a":2}', RefusalCode.MALFORMED_JSON),
        (b'{"a":1,"a":1}', RefusalCode.MALFORMED_JSON),
        (b'{"a":1,"\\u0061":1}', RefusalCode.MALFORMED_JSON),
        (b'{"a":{"b":1,"b":2}}', RefusalCode.MALFORMED_JSON),
        (b'{"a":[{"b":1,"b":2}]}', RefusalCode.MALFORMED_JSON),
        (b'{"a" :1, "a" :2}', RefusalCode.MALFORMED_JSON),
        (b'{"a":NaN}', RefusalCode.MALFORMED_JSON),
        (b'{"a":-Infinity}', RefusalCode.MALFORMED_JSON),
        (b'{"a":"\\ud800"}', RefusalCode.MALFORMED_JSON),
        (b'{"\\uDC00":1}', RefusalCode.MALFORMED_JSON),
        (b'{"a":"\\uDC00\\ud800"}', RefusalCode.MALFORMED_JSON),
        (b'{"a":1}x', RefusalCode.MALFORMED_JSON),
        (b'{"a":1', RefusalCode.MALFORMED_JSON),
        (b'{"a":"\n"}', RefusalCode.MALFORMED_JSON),
        (b"[]", RefusalCode.MALFORMED_JSON),
        (b'"a"', RefusalCode.MALFORMED_JSON),
        (b"", RefusalCode.MALFORMED_JSON),
        (b"[" * 100_000, RefusalCode.MALFORMED_JSON),
        (b'\xef\xbb\xbf{"a":1}', RefusalCode.MALFORMED_JSON),
        (b'{"a":"\xff"}', RefusalCode.NOT_UTF8),
        (b'{"a":"\xed\xa0\x80"}', RefusalCode.NOT_UTF8),
    ],
    ids=str,
)
def test_what_could_mean_two_things_is_refused(raw: bytes, code: RefusalCode) -> None:
    """Names said twice, half characters, numbers that are none, and what is no object are refused with a code."""
    with pytest.raises(Refusal) as caught:
        parse_object(raw)
    assert caught.value.code is code


@pytest.mark.parametrize(
    "raw", [b'{"a":1e400}', b'{"a":1E5}', b'{"a":1.10}', b'{"a":-0}', b'{"a":123456789012345678901}']
)
def test_numbers_are_read_as_python_reads_them(raw: bytes) -> None:
    """A number has the value that the standard library gives it, whichever reader saw it."""
    read, expected = parse_object(raw)["a"], json.loads(raw)["a"]
    assert (type(read), read) == (type(expected), expected)
