import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from tsunagu_agency import Category, Language, Purpose, ReceiptPage, Sharing
from tsunagu_contracts.plain_words import CATEGORIES, IN_PERSON, PURPOSES
from tsunagu_contracts.receipts import CODE_LENGTH, grouped, new_code

CODE = new_code(CODE_LENGTH)
DOOR = "https://tsunagu.example/person"


class Read(HTMLParser):
    """The elements of a page with their attributes, and its text outside the style."""

    def __init__(self, page: ReceiptPage) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(page.html())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if self.elements[-1:] != ["style"] or "font" not in data:
            self.text += data


def page(language: Language = Language.JA, name: str | None = "神田 <b>花子</b>") -> ReceiptPage:
    """A receipt of what was said about health, for one desk."""
    until = datetime(2027, 3, 31, 15, tzinfo=UTC)
    sharing = Sharing([Category.HEALTH], ["富士見の相談窓口 & 社協"], [Purpose.SERVICE], until)
    open_ended = Sharing([Category.CONTACT], ["麹町診療所"], [Purpose.SERVICE])
    ends_at = datetime(2027, 6, 1, tzinfo=UTC)
    return ReceiptPage(language, CODE, ends_at, [sharing, open_ended], DOOR, ["富士見の相談窓口 03-0000-0000"], name)


@pytest.mark.parametrize("language", Language)
def test_the_page_is_whole_in_every_language(language: Language) -> None:
    """It says in its language what is shown, for what, until when, and how to take it back; no place is left empty."""
    read = Read(page(language))

    assert read.attributes["lang"] == language.value
    assert [each for each in read.elements if each in ("h1", "h2")] == ["h1", "h2", "h2", "h2", "h2"]
    for words in (CATEGORIES[Category.HEALTH], PURPOSES[Purpose.SERVICE], IN_PERSON):
        assert words.told(language) in read.text
    assert grouped(CODE) in read.text
    assert DOOR in read.text
    assert not re.search(r"[{}$]", read.text)


def test_what_is_given_is_text_and_never_markup() -> None:
    """Names are shown as they are; there is nothing that runs or loads, and no attribute has the code in it."""
    read = Read(page())

    assert "神田 <b>花子</b>" in read.text
    assert "富士見の相談窓口 & 社協" in read.text
    assert not {"script", "img", "link", "b", "a", "form"} & {*read.elements}
    assert not [value for value in read.attributes.values() if value and CODE[:4] in value]
    assert "お名前" not in page(name=None).html()
    # 15:00 in UTC is the next day in Tokyo.
    assert "2027年4月1日" in read.text


def test_the_code_is_nowhere_else() -> None:
    """A page that is logged by mistake shows neither code nor name."""
    assert CODE not in repr(page())
    assert "花子" not in repr(page())
