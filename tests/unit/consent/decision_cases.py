"""The rules of decision, one case each: what the tests hold the code to, and what docs/consent-cases.md shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.consent.domain.facts import NO_FACTS, Disaster, Facts, Support
from services.consent.domain.requests import Request
from services.consent.domain.statements import Statement
from tests.unit.consent.saying import (
    CLINIC,
    DESK,
    FATHER,
    GUARDIAN,
    GUARDIAN_OVERRULES,
    MOTHER,
    SCHOOL,
    at,
    said,
)
from tsunagu_contracts.codes import Area, Category, DecisionReason, Purpose, StatementKind, StatementMethod

grant = partial(said, StatementKind.GRANT)
refuse = partial(said, StatementKind.REFUSE)
withdraw = partial(said, StatementKind.WITHDRAW)
confirm = partial(said, StatementKind.CONFIRM)
heard = partial(grant, how=StatementMethod.SPOKEN, by=DESK)
"""A grant that was spoken and written down by the agency that would receive."""

REQUEST = Request(Category.HEALTH, DESK, Purpose.SERVICE, at(100))
"""What every case asks: may the desk open health, to serve the person, a hundred minutes after the start?"""

R = DecisionReason
SHIBA = Area.SHIBA


@dataclass(frozen=True, slots=True)
class Case:
    """A rule in both languages, what was said, and the decision: its reason and the statement it rests on."""

    ja: str
    en: str
    said: Sequence[Statement]
    reason: DecisionReason
    number: int | None
    facts: Facts = NO_FACTS


def supported(number: int, by: str | None = None) -> Facts:
    """Statement 1 is supported from this number on: by evidence, or by a countersigning agency."""
    return Facts(supports=frozenset({Support("statement-1", number, by)}))


def disaster(area: Area, declared: float, lifted: float | None = None) -> Facts:
    """A disaster declared and lifted so many minutes after the start."""
    return Facts(disasters=frozenset({Disaster(area, at(declared), None if lifted is None else at(lifted))}))


CASES = (
    Case("何も言われていなければ、開けない", "silence is no", [], R.NO_STATEMENT, None),
    Case("同意があれば、開ける", "a grant permits", [grant(1)], R.GRANTED, 1),
    Case("全機関への同意でも、開ける", "a grant to all agencies permits", [grant(1, to=None)], R.GRANTED, 1),
    Case(
        "ほかの分類への同意は、何も言っていないのと同じ",
        "a grant of another category is silence",
        [grant(1, categories=[Category.LEGAL])],
        R.NO_STATEMENT,
        None,
    ),
    Case(
        "ほかの機関への同意は、何も言っていないのと同じ",
        "a grant to another agency is silence",
        [grant(1, to=[SCHOOL])],
        R.NO_STATEMENT,
        None,
    ),
    Case(
        "ほかの目的への同意は、何も言っていないのと同じ",
        "a grant for another purpose is silence",
        [grant(1, purposes=[Purpose.DISASTER])],
        R.NO_STATEMENT,
        None,
    ),
    Case("断られていれば、開けない", "a refusal refuses", [refuse(1)], R.REFUSED_BY_PERSON, 1),
    Case("取り消しで同意は終わる", "a withdrawal ends a grant", [grant(1), withdraw(2)], R.WITHDRAWN_BY_PERSON, 2),
    Case(
        "全機関からの取り消しは、一つの機関への同意も終わらせる",
        "a withdrawal from all ends a grant to one",
        [grant(1), withdraw(2, to=None)],
        R.WITHDRAWN_BY_PERSON,
        2,
    ),
    Case(
        "一つの分類の取り消しは、ほかの分類に及ばない",
        "a withdrawal of one category leaves another",
        [grant(1), withdraw(2, categories=[Category.CONTACT])],
        R.GRANTED,
        1,
    ),
    Case(
        "一つの機関からの取り消しは、ほかの機関に及ばない",
        "a withdrawal from one agency leaves another",
        [grant(1, to=None), withdraw(2, to=[SCHOOL])],
        R.GRANTED,
        1,
    ),
    Case(
        "取り消しのあとに言われた同意で、また開ける",
        "a grant stated after a withdrawal permits again",
        [withdraw(1), grant(2)],
        R.GRANTED,
        2,
    ),
    Case(
        "取り消しより前に言われた同意は、遅れて届いても効かない",
        "a grant stated before a withdrawal is void however late it arrives",
        [withdraw(1), grant(2, stated=0.5)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        1,
    ),
    Case(
        "取り消しと同じ時に言われた同意は効かない",
        "a grant stated at the moment of a withdrawal is void",
        [withdraw(1), grant(2, stated=1)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        1,
    ),
    Case(
        "取り消しは、言われた日時でなく記録の時から効く",
        "a withdrawal counts from its recording, whatever its stated_at",
        [withdraw(5, stated=-500), grant(6, stated=4)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        5,
    ),
    Case(
        "未来の日付の取り消しも、すぐに効く",
        "a withdrawal dated in the future counts at once",
        [grant(1), withdraw(2, stated=5000)],
        R.WITHDRAWN_BY_PERSON,
        2,
    ),
    Case(
        "取り消しに期間はない",
        "a withdrawal has no period: neither its from nor its until spares a grant",
        [grant(1), withdraw(2, begins=900, ends=901)],
        R.WITHDRAWN_BY_PERSON,
        2,
    ),
    Case(
        "効かない同意は、ほかのことの新しい取り消しがあっても効かないまま",
        "a void grant stays void under a newer withdrawal of something else",
        [withdraw(1), withdraw(2, to=[SCHOOL]), grant(3, stated=0.5)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        1,
    ),
    Case(
        "先の日付からの同意は、まだ効かない",
        "a grant from later on is not yet in force",
        [grant(1, begins=200)],
        R.GRANT_NOT_YET_IN_FORCE,
        1,
    ),
    Case("同意は始まりの時から効く", "a grant begins at its from", [grant(1, begins=100)], R.GRANTED, 1),
    Case("同意は終わりの時に終わる", "a grant has ended at its until", [grant(1, ends=100)], R.GRANT_EXPIRED, 1),
    Case(
        "同意は終わりの時の直前まで効く",
        "a grant runs until just before its until",
        [grant(1, ends=100.001)],
        R.GRANTED,
        1,
    ),
    Case(
        "先の日付からの更新は、今の同意に触れない",
        "a renewal from later on leaves the running grant alone",
        [grant(1), grant(2, begins=200)],
        R.GRANTED,
        1,
    ),
    Case(
        "終わった同意の代わりに、前の広い同意が生き返ることはない",
        "an ended grant does not revive the wider one before it",
        [grant(1), grant(2, ends=50)],
        R.GRANT_EXPIRED,
        2,
    ),
    Case(
        "機関を名指しした断りは、全機関への同意では消えない",
        "a refusal that names an agency does not yield to a grant to all",
        [refuse(1), grant(2, to=None)],
        R.NAMED_REFUSAL_STANDS,
        1,
    ),
    Case(
        "機関を名指しした断りは、名指しの同意で消える",
        "a refusal that names an agency yields to a grant that names it",
        [refuse(1), grant(2)],
        R.GRANTED,
        2,
    ),
    Case(
        "全機関への断りは、全機関への同意で消える",
        "a refusal of all yields to a grant to all",
        [refuse(1, to=None), grant(2, to=None)],
        R.GRANTED,
        2,
    ),
    Case(
        "ほかの機関への断りは、この機関に関わらない",
        "a refusal of another agency is none of this one's",
        [refuse(1, to=[SCHOOL]), grant(2, to=None)],
        R.GRANTED,
        2,
    ),
    Case(
        "名指しで消えた断りのあとは、全機関への同意でもよい",
        "a named refusal, lifted by name, leaves room for a later grant to all",
        [refuse(1), grant(2), grant(3, to=None)],
        R.GRANTED,
        3,
    ),
    Case(
        "断りを消した同意が終われば、断りはまた立つ",
        "a named refusal stands again once the grant that lifted it has ended",
        [refuse(1), grant(2, ends=50), grant(3, to=None)],
        R.NAMED_REFUSAL_STANDS,
        1,
    ),
    Case(
        "名指しの断りは、その前の名指しの同意では消えない",
        "a named refusal does not yield to a grant by name from before it",
        [grant(1), refuse(2), grant(3, to=None)],
        R.NAMED_REFUSAL_STANDS,
        2,
    ),
    Case(
        "時計の進んだ機関が前に記録した名指しの同意でも消えない",
        "a named refusal does not yield to a grant by name recorded before it by a clock that ran ahead",
        [grant(1, stated=2.5), refuse(2), grant(3, to=None)],
        R.NAMED_REFUSAL_STANDS,
        2,
    ),
    Case(
        "断りの前に言われ、遅れて届いた名指しの同意でも消えない",
        "a named refusal does not yield to a late grant by name stated before it",
        [refuse(3), grant(4, stated=2), grant(5, to=None)],
        R.NAMED_REFUSAL_STANDS,
        3,
    ),
    Case(
        "受け取る機関だけが聞いた口頭の同意では、健康の項目は開かない",
        "spoken consent heard by the recipient alone does not cover health",
        [heard(1)],
        R.SPOKEN_TO_RECIPIENT_ONLY,
        1,
    ),
    Case(
        "ほかの機関が聞いた口頭の同意なら、開く",
        "spoken consent heard by another agency covers health",
        [heard(1, by=CLINIC)],
        R.GRANTED,
        1,
    ),
    Case(
        "受け取る機関が記録した書面の同意なら、開く",
        "written consent recorded by the recipient covers health",
        [grant(1, by=DESK)],
        R.GRANTED,
        1,
    ),
    Case(
        "受け取る機関だけが聞いた口頭の同意は、前の書面の同意を損なわない",
        "spoken consent heard by the recipient alone takes nothing from an earlier written one",
        [grant(1), heard(2)],
        R.GRANTED,
        1,
    ),
    Case(
        "受け取る機関だけが聞いた口頭の同意では、取り消しは消えない",
        "spoken consent heard by the recipient alone does not lift a withdrawal",
        [withdraw(1), heard(2)],
        R.WITHDRAWN_BY_PERSON,
        1,
    ),
    Case(
        "受け取る機関だけが聞いた取り消しも、そのまま効く",
        "a spoken withdrawal heard by the recipient alone counts in full",
        [grant(1), withdraw(2, how=StatementMethod.SPOKEN, by=DESK)],
        R.WITHDRAWN_BY_PERSON,
        2,
    ),
    Case(
        "証拠が預けられれば、口頭の同意で足りる",
        "evidence of spoken consent makes it enough",
        [heard(1)],
        R.GRANTED,
        1,
        supported(2),
    ),
    Case(
        "ほかの機関の連署があれば、口頭の同意で足りる",
        "another agency's countersignature makes spoken consent enough",
        [heard(1)],
        R.GRANTED,
        1,
        supported(2, by=CLINIC),
    ),
    Case(
        "受け取る機関自身の連署では足りない",
        "the recipient's own countersignature adds nothing",
        [heard(1)],
        R.SPOKEN_TO_RECIPIENT_ONLY,
        1,
        supported(2, by=DESK),
    ),
    Case(
        "本人が書面で確認すれば、口頭の同意で足りる",
        "the person's written confirmation makes spoken consent enough",
        [heard(1), confirm(2, confirms=1, by=DESK)],
        R.GRANTED,
        1,
    ),
    Case(
        "受け取る機関だけが聞いた口頭の確認では足りない",
        "a confirmation heard by the recipient alone adds nothing",
        [heard(1), confirm(2, confirms=1, how=StatementMethod.SPOKEN, by=DESK)],
        R.SPOKEN_TO_RECIPIENT_ONLY,
        1,
    ),
    Case(
        "ほかの同意の確認では足りない",
        "a confirmation of another grant adds nothing",
        [heard(1), heard(2), confirm(3, confirms=1)],
        R.GRANTED,
        1,
    ),
    Case(
        "代わりの人の同意は、本人も確認できる",
        "the person may confirm what a representative granted",
        [heard(1, of=GUARDIAN), confirm(2, confirms=1)],
        R.GRANTED,
        1,
    ),
    Case(
        "本人の同意は、代わりの人には確認できない",
        "a representative cannot confirm what the person granted",
        [heard(1), confirm(2, confirms=1, of=GUARDIAN)],
        R.SPOKEN_TO_RECIPIENT_ONLY,
        1,
    ),
    Case("確認だけでは同意にならない", "a confirmation alone is silence", [confirm(1)], R.NO_STATEMENT, None),
    Case(
        "災害のときの同意は、その地域で宣言されているあいだ効く",
        "consent for a disaster permits while one is declared in that area",
        [grant(1, disaster=SHIBA)],
        R.GRANTED,
        1,
        disaster(SHIBA, 50),
    ),
    Case(
        "災害の宣言がなければ、災害のときの同意は効かない",
        "consent for a disaster is nothing while none is declared",
        [grant(1, disaster=SHIBA)],
        R.CONDITION_NOT_MET,
        1,
    ),
    Case(
        "ほかの地域の宣言では効かない",
        "a disaster elsewhere is none here",
        [grant(1, disaster=SHIBA)],
        R.CONDITION_NOT_MET,
        1,
        disaster(Area.AZABU, 50),
    ),
    Case(
        "宣言が解かれた時に、ひとりでに終わる",
        "it ends by itself at the moment at which the disaster is lifted",
        [grant(1, disaster=SHIBA)],
        R.CONDITION_NOT_MET,
        1,
        disaster(SHIBA, 50, 100),
    ),
    Case(
        "災害のときの同意がないあいだは、ふだんの同意が決める",
        "while no disaster is on, everyday consent decides",
        [grant(1), grant(2, disaster=SHIBA)],
        R.GRANTED,
        1,
    ),
    Case(
        "災害が宣言されても、断りはそのまま",
        "a disaster lifts no refusal",
        [grant(1, disaster=SHIBA), refuse(2)],
        R.REFUSED_BY_PERSON,
        2,
        disaster(SHIBA, 50),
    ),
    Case(
        "代わりの人の同意で、開ける",
        "a representative's grant permits",
        [grant(1, of=GUARDIAN)],
        R.GRANTED,
        1,
    ),
    Case(
        "代わりの人の断りで、開けなくなる",
        "a representative's refusal refuses",
        [grant(1), refuse(2, of=GUARDIAN)],
        R.REFUSED_BY_PERSON,
        2,
    ),
    Case(
        "本人が断っていれば、代わりの人の同意では開かない",
        "a representative's grant does not overrule the person's own refusal",
        [refuse(1), grant(2, of=GUARDIAN)],
        R.PERSON_REFUSES_THEMSELF,
        1,
    ),
    Case(
        "法律の根拠が記録されていれば、開く",
        "on a recorded legal ground it does",
        [refuse(1), grant(2, of=GUARDIAN_OVERRULES)],
        R.GRANTED,
        2,
    ),
    Case(
        "根拠のある同意のあとで本人が断れば、また開かない",
        "a refusal after that stands again",
        [refuse(1), grant(2, of=GUARDIAN_OVERRULES), refuse(3)],
        R.REFUSED_BY_PERSON,
        3,
    ),
    Case(
        "断りより前に記録された根拠では足りない",
        "a ground recorded before the refusal does not reach it",
        [grant(1, of=GUARDIAN_OVERRULES), refuse(2), grant(3, of=GUARDIAN)],
        R.PERSON_REFUSES_THEMSELF,
        2,
    ),
    Case(
        "断りより前に記録された根拠は、名指しの断りも消さない",
        "nor does it lift a refusal by name, though it was dated ahead",
        [
            refuse(1),
            grant(2, stated=3.5, of=GUARDIAN_OVERRULES),
            withdraw(3),
            grant(4, to=None, of=GUARDIAN_OVERRULES),
        ],
        R.NAMED_REFUSAL_STANDS,
        1,
    ),
    Case(
        "本人があとで同意していれば、代わりの人の同意も効く",
        "where the person has since agreed, a representative may speak again",
        [refuse(1), grant(2), grant(3, of=GUARDIAN)],
        R.GRANTED,
        3,
    ),
    Case(
        "代わりの人の断りは、本人の同意で消える",
        "the person's grant lifts a representative's refusal",
        [refuse(1, of=GUARDIAN), grant(2)],
        R.GRANTED,
        2,
    ),
    Case(
        "親権者の一人の同意で、開ける",
        "one parent's grant permits while the other is silent",
        [grant(1, of=MOTHER)],
        R.GRANTED,
        1,
    ),
    Case(
        "親権者の一人が断っていれば、もう一人の同意では開かない",
        "between parents a refusal wins, whoever spoke last",
        [refuse(1, of=FATHER), grant(2, of=MOTHER)],
        R.OTHER_PARENT_REFUSES,
        1,
    ),
    Case(
        "断った親権者自身が同意すれば、開く",
        "the parent who refused may come to agree",
        [refuse(1, of=FATHER), grant(2, of=MOTHER), grant(3, of=FATHER)],
        R.GRANTED,
        3,
    ),
    Case(
        "親権者の断りは、本人の同意で消える",
        "the person's own grant lifts a parent's refusal",
        [refuse(1, of=FATHER), grant(2)],
        R.GRANTED,
        2,
    ),
)
