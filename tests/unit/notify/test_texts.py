"""The words of inbox items."""

import itertools

import pytest

from services.notify.domain import Message
from services.notify.texts import preferred_language, render
from tsunagu_contracts.codes import Area, Language, Urgency


@pytest.mark.parametrize("language", [Language.JA, Language.EN])
def test_every_message_has_words_for_every_area_and_urgency(language: Language) -> None:
    """No code is left without a sentence in either language."""
    for message, area, urgency in itertools.product(Message, Area, Urgency):
        sentence = render(message, {"area": area, "urgency": urgency, "due_on": "2026-05-01"}, language)
        assert sentence not in set(Message)
        assert "{" not in sentence


def test_a_delivery_reads_as_a_sentence() -> None:
    """The words are chosen by language."""
    waits = {"area": "chiyoda.fujimi", "urgency": "urgent"}
    assert render("referral_waits", waits, Language.JA) == "つなぎが届いています（富士見・急ぎ）。"
    assert render("referral_waits", waits, Language.EN) == "A referral waits for an answer (Fujimi, urgent)."


def test_an_unknown_code_stays_a_code() -> None:
    """An older reader shows the code of a newer message instead of failing."""
    waits = {"area": "chiyoda.fujimi", "urgency": "urgent"}
    assert render("something_new", waits, Language.JA) == "something_new"
    assert render("referral_waits", waits | {"area": "elsewhere"}, Language.JA) == "referral_waits"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Language.JA),
        ("", Language.JA),
        ("en-GB,en;q=0.9,ja;q=0.8", Language.EN),
        ("ja,en;q=0.5", Language.JA),
        ("fr, en", Language.EN),
        ("ko", Language.JA),
    ],
)
def test_japanese_is_spoken_unless_english_is_asked_for_first(header: str | None, expected: Language) -> None:
    """The first of the two languages in Accept-Language decides."""
    assert preferred_language(header) is expected
