"""The words of inbox items, chosen at the edge: a message code and its parameters, in Japanese or English."""

from collections.abc import Mapping

from services.notify.domain import Message
from tsunagu_contracts.codes import Area, Language, Urgency

_MESSAGES: Mapping[Message, tuple[str, str]] = {
    Message.REFERRAL_WAITS: (
        "つなぎが届いています（{area}・{urgency}）。",
        "A referral waits for an answer ({area}, {urgency}).",
    ),
    Message.CONSENT_TO_ASK: (
        "つなぎを届けるには、本人の同意をたずねる必要があります（{area}・{urgency}）。",
        "Consent is to be asked before the referral can be delivered ({area}, {urgency}).",
    ),
    Message.REFERRAL_ACCEPTED: (
        "つなぎが引き受けられました（{area}・{urgency}）。",
        "The referral was accepted ({area}, {urgency}).",
    ),
    Message.REFERRAL_DECLINED: (
        "つなぎは引き受けられませんでした（{area}・{urgency}）。",
        "The referral was declined ({area}, {urgency}).",
    ),
    Message.REFERRAL_COMPLETED: (
        "つなぎが完了しました（{area}・{urgency}）。",
        "The referral was completed ({area}, {urgency}).",
    ),
    Message.REFERRAL_HALTED: (
        "同意がなくなったため、つなぎを止めています（{area}・{urgency}）。",
        "The referral is halted: consent covers none of it any more ({area}, {urgency}).",
    ),
}

_AREAS: Mapping[Area, tuple[str, str]] = {
    Area.KOJIMACHI: ("麹町", "Kojimachi"),
    Area.FUJIMI: ("富士見", "Fujimi"),
    Area.JIMBOCHO: ("神保町", "Jimbocho"),
    Area.KANDAKOEN: ("神田公園", "Kanda-koen"),
    Area.MANSEIBASHI: ("万世橋", "Manseibashi"),
    Area.IZUMIBASHI: ("和泉橋", "Izumibashi"),
    Area.SHIBA: ("芝", "Shiba"),
    Area.AZABU: ("麻布", "Azabu"),
    Area.AKASAKA: ("赤坂", "Akasaka"),
    Area.TAKANAWA: ("高輪", "Takanawa"),
    Area.SHIBAURA_KONAN: ("芝浦港南", "Shibaura-Konan"),
}

_URGENCIES: Mapping[Urgency, tuple[str, str]] = {
    Urgency.ROUTINE: ("通常", "routine"),
    Urgency.URGENT: ("急ぎ", "urgent"),
    Urgency.ASAP: ("至急", "as soon as possible"),
    Urgency.STAT: ("ただちに", "at once"),
}


def preferred_language(accept_language: str | None) -> Language:
    """Japanese, unless English stands before Japanese in an Accept-Language header (RFC 9110)."""
    for part in (accept_language or "").lower().split(","):
        tag = part.partition(";")[0].strip().partition("-")[0]
        if tag in (Language.JA, Language.EN):
            return Language(tag)
    return Language.JA


def render(message: str, *, area: str, urgency: str, language: Language) -> str:
    """The sentence of an item in Japanese or English; a code that this reader does not know stays a code."""
    index = 1 if language is Language.EN else 0
    try:
        sentence = _MESSAGES[Message(message)][index]
        return sentence.format(area=_AREAS[Area(area)][index], urgency=_URGENCIES[Urgency(urgency)][index])
    except ValueError:
        return message
