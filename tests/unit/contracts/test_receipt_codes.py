import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_contracts.codes import Category, Language, NotOpenedBecause, ObligationCause, Purpose, StatementKind
from tsunagu_contracts.plain_words import CATEGORIES, CAUSES, KINDS, NOT_OPENED, PURPOSES
from tsunagu_contracts.receipts import CODE_LENGTH, PERMISSION_LENGTH, grouped, new_code, read_code

CODES = st.binary(min_size=CODE_LENGTH - 1, max_size=CODE_LENGTH - 1).map(
    lambda raw: new_code(CODE_LENGTH, lambda _size: raw)
)


@given(CODES)
def test_a_code_is_read_back_however_it_is_typed(code: str) -> None:
    """Case, spaces, hyphens, full width, O for 0 and I or L for 1 make no difference."""
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    for typed in (
        code,
        grouped(code).lower(),
        grouped(code).replace("-", " ー "),
        code.replace("0", "o").replace("1", "l"),
        code.replace("1", "I"),
        full_width,
    ):
        assert read_code(typed, CODE_LENGTH) == code


@given(CODES, st.integers(0, CODE_LENGTH - 1), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_character_is_noticed(code: str, place: int, character: str) -> None:
    """A code with one character mistaken for another is no code."""
    mistyped = code[:place] + character + code[place + 1 :]

    assert read_code(mistyped, CODE_LENGTH) == (code if character == code[place] else None)


@pytest.mark.parametrize("typed", ["", "0", "U" * CODE_LENGTH, "0" * (CODE_LENGTH + 1), "０" * 999])
def test_what_is_no_code(typed: str) -> None:
    """A text of another length or with other letters is no code."""
    assert read_code(typed, CODE_LENGTH) is None


def test_codes_are_of_their_length_and_differ() -> None:
    """Codes are random, with the check among their characters."""
    assert len({new_code(CODE_LENGTH) for _ in range(100)}) == 100
    assert {len(new_code(length)) for length in (CODE_LENGTH, PERMISSION_LENGTH)} == {CODE_LENGTH, PERMISSION_LENGTH}


def test_every_code_has_words_in_every_language() -> None:
    """What the person is told there are words for, different ones in each language."""
    assert set(CATEGORIES) == set(Category)
    assert set(PURPOSES) == set(Purpose)
    assert set(KINDS) == set(StatementKind)
    assert set(CAUSES) == set(ObligationCause)
    assert set(NOT_OPENED) == set(NotOpenedBecause)
    words = [each for told in (CATEGORIES, PURPOSES, KINDS, CAUSES, NOT_OPENED) for each in told.values()]
    assert all(each.told(language) for each in words for language in Language)
