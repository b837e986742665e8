"""Invented persons for the story: each run tells of a new one, and what is personal about them can be searched for."""

import secrets
from dataclasses import dataclass

from tsunagu_contracts.codes import Category

_FAMILIES = (
    ("鷺沼", "さぎぬま"),
    ("早乙女", "さおとめ"),
    ("不知火", "しらぬい"),
    ("小鳥遊", "たかなし"),
    ("月見里", "やまなし"),
)
_GIVEN = (("千鶴子", "ちづこ"), ("勘太郎", "かんたろう"), ("澄江", "すみえ"), ("弥生", "やよい"), ("冬馬", "とうま"))


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person: the agency's own reference for them, and a text for each section.

    `marks` are the values that may stand nowhere in the network in clear; each is unlike any other text.
    """

    reference: str
    contents: dict[Category, str]
    marks: tuple[str, ...]


def invent_person() -> Person:
    """Invent a person whom no earlier run has told of."""
    family, family_kana = secrets.choice(_FAMILIES)
    given, given_kana = secrets.choice(_GIVEN)
    chart, house, phone = secrets.token_hex(5), secrets.randbelow(900) + 100, secrets.randbelow(9000) + 1000
    name, kana = f"{family} {given}", f"{family_kana} {given_kana}"
    address = f"外神田九丁目{house}番 みどり荘{secrets.randbelow(90) + 10}号"
    telephone = f"00-0000-{phone}"
    illness = f"在宅酸素療法（記録{secrets.token_hex(3)}）"
    debt = f"家賃の滞納{secrets.randbelow(9) + 2}か月（整理番号{secrets.token_hex(3)}）"
    reference = f"カルテ{chart}"
    return Person(
        reference=reference,
        contents={
            Category.IDENTITY: f"氏名 {name}（{kana}）",
            Category.CONTACT: f"住所 {address}、電話 {telephone}。日中は不在がち。",
            Category.HEALTH: f"{illness}。階段の上り下りがつらく、外に出なくなった。",
            Category.FINANCE: debt,
        },
        marks=(name, kana, address, telephone, illness, debt, reference),
    )
