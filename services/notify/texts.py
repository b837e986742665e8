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
    Message.PERSON_TO_ASK: (
        "本人にたずねてほしいという依頼があります（{due_on}まで）。",
        "Somebody asks you to ask the person (by {due_on}).",
    ),
    Message.PERSON_STILL_TO_ASK: (
        "本人への問いに、まだ答えがありません（{due_on}まで）。",
        "The person is still to be asked; half of the time has passed (by {due_on}).",
    ),
    Message.NOBODY_ANSWERED: (
        "本人への問いは、答えのないまま期限（{due_on}）が過ぎました。同意はないものとして扱われます。",
        "The question to the person has lapsed without an answer ({due_on}); nothing is covered by it.",
    ),
    Message.NOBODY_ANSWERED_ESCALATED: (
        "担当への確認をお願いします。本人への問いに、期限（{due_on}）までに答えがありませんでした。",
        "Please look into it: a question to a person went unanswered until its date ({due_on}).",
    ),
    Message.GRANT_TO_RENEW: (
        "同意を続けるかどうか、本人にたずねる時期です（{due_on}まで）。",
        "It is time to ask the person whether the consent may go on (by {due_on}).",
    ),
    Message.CHANGE_TO_REVIEW: (
        "本人の状況が変わったという報告があります。記録と紹介を見直してください（{due_on}まで）。",
        "Something in the person's life is reported to have changed: look at what you recorded and sent (by {due_on}).",
    ),
    Message.OBLIGATION_INCURRED: (
        "開いた項目の同意がなくなりました。消したか、法律により残すかを答えてください（{due_on}まで）。",
        "A section that was opened is no longer covered: say whether it is deleted or kept by law (by {due_on}).",
    ),
    Message.OBLIGATION_OVERDUE: (
        "開いた項目をどうしたか、期限（{due_on}）を過ぎても答えがありません。",
        "The answer for a section that was opened is overdue (since {due_on}).",
    ),
    Message.OBLIGATION_OVERDUE_ESCALATED: (
        "担当への確認をお願いします。開いた項目への答えが、期限（{due_on}）を過ぎています。",
        "Please look into it: the answer for a section that was opened is overdue (since {due_on}).",
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


def render(message: str, parameters: Mapping[str, str], language: Language) -> str:
    """The sentence of an item in Japanese or English; a code that this reader does not know stays a code."""
    index = 1 if language is Language.EN else 0
    try:
        words = {
            "due_on": parameters.get("due_on", ""),
            "area": _AREAS[Area(parameters["area"])][index] if "area" in parameters else "",
            "urgency": _URGENCIES[Urgency(parameters["urgency"])][index] if "urgency" in parameters else "",
        }
        return _MESSAGES[Message(message)][index].format(**words)
    except ValueError:
        return message
