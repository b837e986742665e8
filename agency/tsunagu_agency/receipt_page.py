"""The receipt as one printable page of HTML, in plain words; made at the agency, where the names are.

The code stands on the page and in no address. The permission to set a secret is not on it: whoever finds the paper
could else set the secret and read. It is given to the person apart from it, or the secret is set at the desk.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from html import escape
from importlib.resources import files
from string import Template

from tsunagu_contracts.codes import Category, Language, Purpose
from tsunagu_contracts.plain_words import CATEGORIES, IN_PERSON, PURPOSES, Words
from tsunagu_contracts.receipts import grouped

_TEMPLATE = Template((files("tsunagu_agency") / "templates" / "receipt.html").read_text(encoding="utf-8"))
_TOKYO = timezone(timedelta(hours=9))

_TITLE = Words(
    "あなたの情報の控え",
    "あなたのことを、だれに見せるかの紙（かみ）",
    "Your receipt: who may see what about you",
    "您的信息凭条：谁可以看到什么",
    "내 정보 확인서: 누가 무엇을 볼 수 있는지",
)
_NAME = Words("お名前", "なまえ", "Name", "姓名", "이름")
_SHARED = Words(
    "見せてよいと言ったこと",
    "見せていいと言ったこと",
    "What you said may be shown",
    "您同意出示的内容",
    "보여도 된다고 한 것",
)
_WHAT = Words("見せるもの", "見せるもの", "What", "内容", "내용")
_TO_WHOM = Words("見せる相手", "見せる人", "To whom", "给谁", "누구에게")
_WHAT_FOR = Words("何のため", "何（なん）のため", "What for", "用途", "무엇을 위해")
_UNTIL_WHEN = Words("いつまで", "いつまで", "Until when", "到何时", "언제까지")
_UNTIL_SAID = Words("取り消すまで", "やめると言うまで", "Until you take it back", "直到您撤回为止", "취소할 때까지")
_TAKE_BACK = Words("取り消すには", "やめたいとき", "How to take it back", "如何撤回", "취소하려면")
_HOW = Words(
    "いつでも取り消せます。理由はいりません。{door} を開いて、次の番号を入れてください。電話や窓口でも取り消せます。",
    "いつでもやめられます。わけを言わなくていいです。{door} をひらいて、下の番号（ばんごう）を入れてください。"
    "電話（でんわ）や窓口（まどぐち）でもできます。",
    "You can take it back at any time, without a reason. Open {door} and type this code. You can also call us or come.",
    "您随时可以撤回，不需要理由。请打开 {door}，输入下面的号码。也可以打电话或到窗口办理。",
    "언제든지 이유 없이 취소할 수 있습니다. {door} 을(를) 열고 다음 번호를 넣어 주세요. 전화나 창구에서도 됩니다.",
)
_UNTIL = Words(
    "この番号は {day} まで使えます。",
    "この番号（ばんごう）は {day} まで使（つか）えます。",
    "This code works until {day}.",
    "此号码在 {day} 之前有效。",
    "이 번호는 {day}까지 쓸 수 있습니다.",
)
_KEEP = Words(
    "この紙を持っている人は、だれでも取り消せます。大切にしまってください。なくしたら、すぐに知らせてください。新しい番号を出します。",
    "この紙（かみ）を持（も）っている人は、だれでもやめることができます。だいじにしてください。"
    "なくしたら、すぐに言ってください。新しい番号（ばんごう）を出します。",
    "Anyone who has this paper can take your consent back. Keep it safe. If you lose it, tell us at once and you get a "
    "new code.",
    "任何拿到这张纸的人都可以撤回。请妥善保管。如果丢失，请马上告诉我们，我们会给您新的号码。",
    "이 종이를 가진 사람은 누구나 취소할 수 있습니다. 잘 보관해 주세요. 잃어버리면 바로 알려 주세요. "
    "새 번호를 드립니다.",
)
_TO_SEE = Words(
    "だれが見たかを知るには",
    "だれが見たか知りたいとき",
    "To see who has looked",
    "如何查看谁看过",
    "누가 보았는지 알려면",
)
_SECRET = Words(
    "この番号と、あなたが決めた合い言葉がいります。合い言葉は、この紙に書かないでください。",
    "この番号（ばんごう）と、あなたが決（き）めたひみつのことばがいります。ひみつのことばは、この紙に書かないでください。",
    "You need this code and the secret that you have chosen. Do not write the secret on this paper.",
    "需要此号码和您自己设定的密语。请不要把密语写在这张纸上。",
    "이 번호와 당신이 정한 비밀 말이 필요합니다. 비밀 말은 이 종이에 쓰지 마세요.",
)
_ASK = Words("問い合わせ先", "聞（き）きたいとき", "Who to ask", "咨询处", "문의처")
_DAY = Words(
    "{0.year}年{0.month}月{0.day}日",
    "{0.year}年{0.month}月{0.day}日",
    "{0:%Y-%m-%d}",
    "{0.year}年{0.month}月{0.day}日",
    "{0.year}년 {0.month}월 {0.day}일",
)


@dataclass(frozen=True, slots=True)
class Sharing:
    """Something that the person lets be shown; `recipients` are names as people know them, `until` None means open."""

    categories: Sequence[Category]
    recipients: Sequence[str]
    purposes: Sequence[Purpose]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """What stands on the page; `door` is the address of the person's own door, `name` the local one, if wanted.

    `contacts` are lines such as a desk with its telephone number and hours.
    """

    language: Language
    code: str = field(repr=False)
    ends_at: datetime
    sharings: Sequence[Sharing]
    door: str
    contacts: Sequence[str]
    name: str | None = field(default=None, repr=False)

    def html(self) -> str:
        """The page; whatever it was given is text in it, and never markup."""
        groups = grouped(self.code).split("-")
        return _TEMPLATE.substitute(
            lang=self.language.value,
            title=self._say(_TITLE),
            name=f"<p>{self._say(_NAME)}: {escape(self.name)}</p>" if self.name else "",
            shared=self._say(_SHARED),
            sharings="\n".join(self._sharing(each) for each in self.sharings),
            take_back=self._say(_TAKE_BACK),
            how=self._say(_HOW, door=self.door),
            code="-<wbr>".join(f"<span>{escape(group)}</span>" for group in groups),
            until=self._say(_UNTIL, day=self._day(self.ends_at)),
            keep=self._say(_KEEP),
            to_see=self._say(_TO_SEE),
            secret=self._say(_SECRET),
            in_person=self._say(IN_PERSON),
            ask=self._say(_ASK),
            contacts="\n".join(f"<li>{escape(contact)}</li>" for contact in self.contacts),
        )

    def _sharing(self, sharing: Sharing) -> str:
        rows = (
            (_WHAT, (CATEGORIES[each].told(self.language) for each in sharing.categories)),
            (_TO_WHOM, sharing.recipients),
            (_WHAT_FOR, (PURPOSES[each].told(self.language) for each in sharing.purposes)),
            (_UNTIL_WHEN, [self._day(sharing.until) if sharing.until else _UNTIL_SAID.told(self.language)]),
        )
        return f"<ul>\n{''.join(self._row(words, values) for words, values in rows)}</ul>"

    def _row(self, words: Words, values: Iterable[str]) -> str:
        between = ", " if self.language in (Language.EN, Language.KO) else "、"
        return f"<li>{self._say(words)}: {escape(between.join(values))}</li>\n"

    def _day(self, moment: datetime) -> str:
        return _DAY.told(self.language).format(moment.astimezone(_TOKYO))

    def _say(self, words: Words, **values: str) -> str:
        return escape(words.told(self.language).format(**values))
