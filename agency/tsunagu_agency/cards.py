"""A person's card, ready to print: a QR code (ISO/IEC 18004) with a one-time secret, and what it is for; no name on it.

What the QR code holds is `tsunagu-card:` and the secret: no address, so that no browser ever sends it anywhere.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from html import escape

import segno

from tsunagu_contracts.codes import Language

_PREFIX = "tsunagu-card:"
_SCANNED = re.compile(rf"{_PREFIX}([A-Za-z0-9_-]{{22}})")
_TEXTS = {
    Language.JA: "つなぐカード。別の機関に見せると、これまでの同意がその機関にも届きます。使えるのは一度だけです。"
    "なくしたら、どの機関でも作り直せます。前のカードは使えなくなります。",
    Language.JA_EASY: "つなぐカードです。ほかの 相談(そうだん)の 場所(ばしょ)で 見(み)せてください。1回(いっかい)だけ "
    "使(つか)えます。なくしたときは、新(あたら)しい カードを 作(つく)ります。前(まえ)の カードは 使(つか)えません。",
    Language.EN: "Tsunagu card. Show it at another agency, and what you have agreed to reaches that agency too. "
    "It works once. If you lose it, any of your agencies makes a new one, and this one stops working.",
    Language.ZH: "Tsunagu 卡。向其他机构出示后，您已作出的同意也会适用于该机构。只能使用一次。"
    "如果遗失，可在您联系的任何机构重新办理，旧卡随即失效。",
    Language.KO: "츠나구 카드입니다. 다른 기관에 보여 주시면 지금까지의 동의가 그 기관에도 전해집니다. "
    "한 번만 쓸 수 있습니다. 잃어버리면 이용 중인 어느 기관에서든 다시 만들 수 있고, 이전 카드는 쓸 수 없게 됩니다.",
}
_UNTIL = {
    Language.JA: "有効期限",
    Language.JA_EASY: "いつまで",
    Language.EN: "Valid until",
    Language.ZH: "有效期至",
    Language.KO: "유효 기간",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A new card to hand to the person; its secret is told once and nobody keeps it."""

    referral_id: str
    expires_at: datetime
    secret: str = field(repr=False)

    @property
    def qr_text(self) -> str:
        """What the QR code holds."""
        return f"{_PREFIX}{self.secret}"

    def svg(self) -> str:
        """Return the QR code as an SVG element, with a correction level that survives a crease."""
        return segno.make(self.qr_text, error="q", micro=False).svg_inline(scale=5, border=4)

    def page(self) -> str:
        """Return a printable page (HTML) with the QR code and a short text in each of the five languages."""
        until = self.expires_at.date().isoformat()
        texts = "\n".join(
            f'<p lang="{language.value}">{escape(text)} {_UNTIL[language]}: {until}</p>'
            for language, text in _TEXTS.items()
        )
        style = "body{font:12pt sans-serif;max-width:16cm;margin:1cm auto}svg{width:5cm;height:5cm}"
        return (
            f'<!doctype html>\n<html lang="ja"><meta charset="utf-8"><title>つなぐカード / Tsunagu card</title>\n'
            f"<style>{style}</style>\n{self.svg()}\n{texts}\n</html>\n"
        )


def scanned(text: str) -> str:
    """Return the secret in what a scanner read from a card; raises ValueError for any other code."""
    found = _SCANNED.fullmatch(text.strip())
    if found is None:
        raise ValueError("this is no Tsunagu card")
    return found[1]
