import base64
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import from_base64url, to_base64url
from tsunagu_contracts.errors import Refusal


def decoded(text: str) -> bytes | None:
    """The bytes of a text, or None where it is refused."""
    try:
        return from_base64url(text)
    except Refusal:
        return None


@given(st.binary(max_size=200))
def test_bytes_come_back_from_their_spelling(raw: bytes) -> None:
    """Whatever was encoded decodes to itself."""
    assert from_base64url(to_base64url(raw)) == raw


def test_every_short_text_has_one_reading_or_none() -> None:
    """A text is read only when it is exactly what encoding gives; so no bytes have two spellings."""
    for length in range(6):
        for letters in product("ABQgw-_+/= ", repeat=length):
            text = "".join(letters)
            raw = decoded(text)
            assert raw is None or to_base64url(raw) == text


@given(st.text(alphabet="AZaz09-_+/=.\n é", max_size=60))
def test_a_long_text_has_one_reading_or_none(text: str) -> None:
    """The same at any length, with foreign characters."""
    raw = decoded(text)
    assert raw is None or to_base64url(raw) == text


@pytest.mark.parametrize("text", ["QQ==", "QQ=", "QR", "Q", "+w", "/w", "-w ", "-w\n", "QUJDQ", "QUJD=", "é", "ＱＱ"])
def test_other_spellings_are_refused(text: str) -> None:
    """Padding, spare bits, the other alphabet, white space and foreign digits are refused."""
    with pytest.raises(Refusal) as caught:
        from_base64url(text)
    assert caught.value.code is RefusalCode.TOKEN_MALFORMED


def test_it_is_the_standards_encoding() -> None:
    """The alphabet is that of RFC 4648 section 5, as the standard library has it."""
    raw = bytes(range(256))
    assert to_base64url(raw) == base64.urlsafe_b64encode(raw).decode().rstrip("=")
