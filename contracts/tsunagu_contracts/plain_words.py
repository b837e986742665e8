"""How codes are told to the person, in plain words: one declaration for each code and language."""

from dataclasses import dataclass

from tsunagu_contracts.codes import (
    Category,
    Language,
    NotOpenedBecause,
    ObligationCause,
    Purpose,
    StatementKind,
)


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in each language; `easy` is やさしい日本語, with readings where there are kanji."""

    ja: str
    easy: str
    en: str
    zh: str
    ko: str

    def told(self, language: Language) -> str:
        """The words in this language."""
        spoken = {
            Language.JA: self.ja,
            Language.JA_EASY: self.easy,
            Language.EN: self.en,
            Language.ZH: self.zh,
            Language.KO: self.ko,
        }
        return spoken[language]


CATEGORIES: dict[Category, Words] = {
    Category.IDENTITY: Words(
        "氏名・生年月日など", "なまえ・生まれた日", "Name and date of birth", "姓名和出生日期", "이름과 생년월일"
    ),
    Category.CONTACT: Words(
        "住所・電話番号など", "住所・電話（でんわ）", "Address and telephone", "地址和电话", "주소와 전화번호"
    ),
    Category.HOUSEHOLD: Words(
        "家族のこと", "家族（かぞく）のこと", "Family and household", "家庭情况", "가족에 관한 것"
    ),
    Category.NARRATIVE: Words(
        "困っていること", "困（こま）っていること", "What you need help with", "您的困难", "어려움을 겪는 일"
    ),
    Category.HEALTH: Words(
        "健康・病気のこと", "からだ・病気（びょうき）のこと", "Health and illness", "健康和疾病", "건강과 질병"
    ),
    Category.DISABILITY: Words("障害のこと", "障害（しょうがい）のこと", "Disability", "残疾情况", "장애에 관한 것"),
    Category.FINANCE: Words("お金のこと", "お金のこと", "Money", "经济情况", "돈에 관한 것"),
    Category.HOUSING: Words("住まいのこと", "住（す）むところのこと", "Housing", "住房情况", "주거에 관한 것"),
    Category.EMPLOYMENT: Words("仕事のこと", "仕事（しごと）のこと", "Work", "工作情况", "일에 관한 것"),
    Category.EDUCATION: Words(
        "学校・学びのこと",
        "学校（がっこう）・勉強（べんきょう）のこと",
        "School and learning",
        "上学和学习",
        "학교와 배움",
    ),
    Category.LEGAL: Words(
        "法律にかかわること", "法律（ほうりつ）のこと", "Legal matters", "法律事务", "법률에 관한 것"
    ),
    Category.SAFETY: Words(
        "身の安全のこと", "あぶないことから守（まも）るためのこと", "Your safety", "人身安全", "신변의 안전"
    ),
}
"""Categories of personal information."""

PURPOSES: dict[Purpose, Words] = {
    Purpose.INITIAL_CONTACT: Words(
        "はじめの連絡", "さいしょの連絡（れんらく）", "First contact", "首次联系", "첫 연락"
    ),
    Purpose.ASSESSMENT: Words(
        "何が必要かを考えること",
        "何（なに）が必要（ひつよう）か考えること",
        "Finding out what is needed",
        "了解需要什么帮助",
        "무엇이 필요한지 살피기",
    ),
    Purpose.SERVICE: Words("支援をすること", "手つだうこと", "Giving support", "提供帮助", "지원하기"),
    Purpose.COORDINATION: Words(
        "ほかの支援と合わせること",
        "ほかの人といっしょに手つだうこと",
        "Working together with others",
        "与其他机构配合",
        "다른 지원과 맞추기",
    ),
    Purpose.RIGHTS_ADVOCACY: Words(
        "権利を守ること", "あなたの権利（けんり）を守ること", "Protecting your rights", "维护您的权利", "권리를 지키기"
    ),
    Purpose.DISASTER: Words(
        "災害のときに助けること",
        "災害（さいがい）のときに助けること",
        "Helping in a disaster",
        "灾害时的救助",
        "재해 때 돕기",
    ),
}
"""What personal information may be used for."""

KINDS: dict[StatementKind, Words] = {
    StatementKind.GRANT: Words("見せてよい", "見せてもいい", "May be shown", "可以查看", "보여도 됨"),
    StatementKind.REFUSE: Words("見せない", "見せない", "Must not be shown", "不可以查看", "보이지 않음"),
    StatementKind.WITHDRAW: Words("取り消した", "やめた", "Taken back", "已撤回", "취소함"),
    StatementKind.CONFIRM: Words("確かめた", "もういちど、いいと言った", "Confirmed", "已确认", "확인함"),
}
"""What a statement says."""

CAUSES: dict[ObligationCause, Words] = {
    ObligationCause.WITHDRAWN: Words(
        "取り消されたので", "やめたから", "Because it was taken back", "因为已撤回", "취소되었기 때문"
    ),
    ObligationCause.ENDED: Words(
        "期限が過ぎたので", "決めた日が過（す）ぎたから", "Because the time is over", "因为已到期", "기한이 지났기 때문"
    ),
    ObligationCause.JOINED_BY_MISTAKE: Words(
        "ほかの人の記録と取り違えていたので",
        "ほかの人の記録（きろく）と、まちがえていたから",
        "Because records of two people had been taken for one",
        "因为曾误将他人的记录当作您的记录",
        "다른 사람의 기록과 혼동되었기 때문",
    ),
    ObligationCause.ERASED: Words(
        "本人の求めで消去されたので",
        "消（け）してほしいと言ったから",
        "Because you asked to be erased",
        "因为您要求删除",
        "삭제를 요청하셨기 때문",
    ),
}
"""Why an agency must delete what it has seen, or say why it keeps it."""

NOT_OPENED: dict[NotOpenedBecause, Words] = {
    NotOpenedBecause.SAID_NO: Words(
        "断られていたので", "「いやだ」と言っていたから", "Because the answer was no", "因为您不同意", "거절했기 때문"
    ),
    NotOpenedBecause.NOT_AGREED: Words(
        "同意がなかったので",
        "「いい」と言っていないから",
        "Because there was no consent",
        "因为没有您的同意",
        "동의가 없었기 때문",
    ),
    NotOpenedBecause.NOT_IN_ORDER: Words(
        "手続きが正しくなかったので",
        "やりかたがちがったから",
        "Because it was not asked in the right way",
        "因为手续不正确",
        "절차가 맞지 않았기 때문",
    ),
}
"""Why a section did not open."""

IN_PERSON = Words(
    "安全にかかわることなど、窓口で会ったときだけお見せするものがあります。あっても、なくても、この文は出ます。",
    "あなたの安全（あんぜん）のために、会ったときだけ見せるものがあります。あっても、なくても、この文は出ます。",
    "Some things, such as matters of safety, are shown only when we meet in person. This line is always here, "
    "whether or not there are any.",
    "涉及安全等的内容只在当面时出示。无论有没有这样的内容，都会显示这句话。",
    "안전 등에 관한 것은 직접 만났을 때만 보여 드립니다. 그런 것이 있든 없든 이 글은 항상 나옵니다.",
)
"""What every view says, whatever it leaves out."""
