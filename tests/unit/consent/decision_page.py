"""The rules of decision as a page: what was said, what the code decides, and why, in words."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from services.consent.domain.decisions import Decision, decide
from services.consent.domain.facts import Facts
from services.consent.domain.statements import Statement
from tests.unit.consent.decision_cases import CASES, REQUEST, Case
from tests.unit.consent.saying import CLINIC, DESK, FATHER, GUARDIAN, MOTHER, SCHOOL, START
from tsunagu_contracts.codes import Category, Purpose, StatementKind, StatementMethod
from tsunagu_contracts.problems import REASONS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "consent-cases.md"
_HEAD = """# 同意の決まりの例 / The rules of consent, case by case

Made from `tests/unit/consent/decision_cases.py` and the code that decides, by `python -m tests.unit.consent`; do not
edit. Every row is a test of [the rules](consent-rules.md).

どの行も同じ問いです: 相談窓口は、支援のために、健康の項目を今 (100分) 開けるか。番号は記録された順、
「分」は始めからの分です。特に書いていなければ、窓口あて、書面、診療所が記録、言われた時に記録。

Every row asks the same: may the desk open health, to serve the person, now (minute 100)? Numbers are the order of
recording, moments are minutes from the start. Unless it says otherwise: to the desk, in writing, recorded by the clinic
when said.

| 決まり / rule | 記録 / recorded | 答え / answer | 理由 / reason |
| --- | --- | --- | --- |
"""
_NAMES = {DESK: "窓口", CLINIC: "診療所", SCHOOL: "学校"}
_KINDS = {
    StatementKind.GRANT: "同意",
    StatementKind.REFUSE: "断り",
    StatementKind.WITHDRAW: "取り消し",
    StatementKind.CONFIRM: "確認",
}
_VOICES = {
    GUARDIAN.representative_id: "後見人",
    MOTHER.representative_id: "母",
    FATHER.representative_id: "父",
}
_CATEGORIES = {Category.LEGAL: "法律", Category.CONTACT: "連絡先"}


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_row(case) for case in CASES)


def _row(case: Case) -> str:
    decision = decide(case.said, REQUEST, as_of=1000, facts=case.facts)
    recorded = "<br>".join([*map(_said, case.said), *_facts(case.facts)]) or "–"
    ja, en = REASONS[decision.reason]
    return f"| {case.ja}<br>{case.en} | {recorded} | {_answer(decision)} | {ja}<br>{en} |\n"


def _answer(decision: Decision) -> str:
    basis = "" if decision.statement_number is None else f" ({decision.statement_number})"
    return f"{'開ける / yes' if decision.permit else '開けない / no'}{basis}"


def _said(statement: Statement) -> str:
    voice = _VOICES[statement.voice] + "の" if statement.voice is not None else ""
    return f"{statement.number}. {voice}{_KINDS[statement.kind]}" + "".join(
        f"、{part}" for part in _particulars(statement)
    )


def _particulars(statement: Statement) -> Sequence[str]:
    parts: list[str] = []
    if statement.confirms is not None:
        parts.append(f"{statement.confirms.removeprefix('statement-')}番の")
    if statement.recipients != frozenset({DESK}):
        parts.append("全機関あて" if statement.recipients is None else f"{_named(statement.recipients)}あて")
    if Category.HEALTH not in statement.categories:
        parts.append("、".join(_CATEGORIES[each] for each in sorted(statement.categories)))
    if Purpose.SERVICE not in statement.purposes:
        parts.append("災害の目的")
    if statement.how is StatementMethod.SPOKEN:
        parts.append("口頭")
    if statement.recorded_by_agency not in (CLINIC, None):
        parts.append(f"{_NAMES[statement.recorded_by_agency]}が記録")
    if statement.stated_at != statement.recorded_at:
        parts.append(f"{_minute(statement.stated_at)}分に言われた")
    if _minute(statement.valid_from) != "-1000":
        parts.append(f"{_minute(statement.valid_from)}分から")
    if statement.valid_until is not None:
        parts.append(f"{_minute(statement.valid_until)}分まで")
    if statement.disaster_in is not None:
        parts.append("芝の災害のとき")
    if statement.representation is not None and statement.representation.overrides is not None:
        parts.append("生命を守るため")
    return parts


def _facts(facts: Facts) -> Sequence[str]:
    supports = [
        f"{each.number}. {'証拠' if each.agency_id is None else _NAMES[each.agency_id] + 'の連署'}"
        for each in facts.supports
    ]
    disasters = [
        f"災害、{'芝' if each.area.value == 'minato.shiba' else '麻布'}、{_minute(each.declared_at)}分から"
        + ("" if each.lifted_at is None else f"{_minute(each.lifted_at)}分まで")
        for each in facts.disasters
    ]
    return [*supports, *disasters]


def _named(agencies: frozenset[str]) -> str:
    return "、".join(_NAMES[each] for each in sorted(agencies))


def _minute(moment: datetime) -> str:
    return f"{(moment - START).total_seconds() / 60:g}"
