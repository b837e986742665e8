"""The conditions of a release, one row each: what is wrong beside the person's word is told before it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.consent.domain.coverage import Referral, Section, coverage_of
from services.consent.domain.persons import Person
from services.consent.domain.releases import Asker, judge
from services.consent.domain.statements import Recording, check_recordable
from services.consent.domain.word import Word
from tests.unit.consent.saying import CLINIC, DESK, SCHOOL, at, said
from tsunagu_contracts.codes import (
    Category,
    CoverageState,
    DecisionReason,
    Purpose,
    ReferralState,
    RefusalCode,
    StatementKind,
)
from tsunagu_contracts.errors import Refusal

GRANT, WITHDRAW = StatementKind.GRANT, StatementKind.WITHDRAW
TOLERANCE = timedelta(seconds=2)
REFERRAL = Referral(
    "referral-1",
    "record-1",
    "handle-1",
    CLINIC,
    DESK,
    Purpose.SERVICE,
    ReferralState.DELIVERED,
    "capsule",
    (
        Section("section-health", Category.HEALTH, "digest"),
        Section("section-legal", Category.LEGAL, "digest"),
        Section("section-broken", Category.FINANCE, "digest", RefusalCode.CONTENT_KEY_REUSED),
    ),
)
SPOKEN = Word((said(GRANT, 1, categories=[Category.HEALTH, Category.FINANCE]),))
NOW = Recording(at(100), at(1), TOLERANCE)
C, R = RefusalCode, DecisionReason

ROWS: list[tuple[str, dict[str, object], RefusalCode | None, DecisionReason | RefusalCode]] = [
    ("everything holds", {}, None, R.GRANTED),
    ("an agency that is no party", {"asker": Asker(SCHOOL, None)}, C.REFERRAL_UNKNOWN, C.REFERRAL_UNKNOWN),
    ("the sender", {"asker": Asker(CLINIC, None)}, C.NOT_PERMITTED, C.NOT_PERMITTED),
    (
        "no appointment",
        {"asker": Asker(DESK, C.APPOINTMENT_UNKNOWN)},
        C.APPOINTMENT_UNKNOWN,
        C.APPOINTMENT_UNKNOWN,
    ),
    ("another's section", {"section_id": "section-other"}, C.SECTION_UNKNOWN, C.SECTION_UNKNOWN),
    ("silence", {"section_id": "section-legal"}, C.NOT_COVERED, R.NO_STATEMENT),
    ("a broken seal", {"section_id": "section-broken"}, C.NOT_COVERED, C.CONTENT_KEY_REUSED),
    ("as of a number before the grant", {"as_of": 0}, C.NOT_COVERED, R.NO_STATEMENT),
    (
        "a clock that has stepped back",
        {"recording": Recording(at(0), at(1), TOLERANCE)},
        C.CLOCK_STEPPED_BACK,
        C.CLOCK_STEPPED_BACK,
    ),
    (
        "clocks that differ a little",
        {"recording": Recording(at(1) - TOLERANCE, at(1), TOLERANCE)},
        None,
        R.GRANTED,
    ),
]


@pytest.mark.parametrize(("case", "changes", "code", "reason"), ROWS, ids=[row[0] for row in ROWS])
def test_condition(
    case: str,
    changes: dict[str, object],
    code: RefusalCode | None,
    reason: DecisionReason | RefusalCode,
) -> None:
    """Each condition alone decides, with its own code and reason."""
    arguments: dict[str, object] = {
        "referral": REFERRAL,
        "section_id": "section-health",
        "asker": Asker(DESK, None),
        "word": SPOKEN,
        "recording": NOW,
        "as_of": 1,
    }
    verdict = judge(**(arguments | changes))  # type: ignore[arg-type]  # the rows change one argument each

    assert (verdict.refusal, verdict.reason) == (code, reason), case


@pytest.mark.parametrize("state", list(ReferralState))
def test_states(state: ReferralState) -> None:
    """A referral opens until it is over, and not while it rests."""
    closed = {"declined", "cancelled", "completed", "expired", "entered_in_error", "halted"}

    verdict = judge(replace(REFERRAL, state=state), "section-health", Asker(DESK, None), SPOKEN, NOW, 1)

    assert (verdict.refusal is C.REFERRAL_NOT_OPEN) == (state.value in closed)


def test_what_the_person_said_is_told_before_that_the_referral_rests() -> None:
    """After a withdrawal of everything the reason is the withdrawal, whether or not the referral rests already."""
    halted = replace(REFERRAL, state=ReferralState.HALTED)
    spoken = Word((*SPOKEN.statements, said(WITHDRAW, 2)))

    for referral in (REFERRAL, halted):
        verdict = judge(referral, "section-health", Asker(DESK, None), spoken, NOW, 2)
        assert verdict.reason is R.WITHDRAWN_BY_PERSON


def test_coverage_of_each_section() -> None:
    """Coverage tells covered, to ask, refused and invalid apart, in the manifest's order."""
    spoken = Word((*SPOKEN.statements, said(WITHDRAW, 2, categories=[Category.LEGAL])))

    told = coverage_of(REFERRAL, spoken, at(100), 2)

    assert [(each.section_id, each.state, each.reason) for each in told] == [
        ("section-health", CoverageState.COVERED, R.GRANTED),
        ("section-legal", CoverageState.REFUSED, R.WITHDRAWN_BY_PERSON),
        ("section-broken", CoverageState.INVALID, C.CONTENT_KEY_REUSED),
    ]
    assert coverage_of(REFERRAL, SPOKEN, at(100), 1)[1].state is CoverageState.TO_ASK


@pytest.mark.parametrize("kind", list(StatementKind))
@pytest.mark.parametrize(
    ("stated", "until", "now", "code"),
    [
        (at(50), None, at(100), None),
        (at(50), at(101), at(100), None),
        (at(50), at(100), at(100), C.ALREADY_ENDED),
        (at(100) + TOLERANCE, None, at(100), None),
        (at(101), None, at(100), C.STATED_IN_FUTURE),
        (at(0), None, at(0), C.CLOCK_STEPPED_BACK),
    ],
)
def test_what_may_be_recorded(
    kind: StatementKind, stated: datetime, until: datetime | None, now: datetime, code: RefusalCode | None
) -> None:
    """A grant is neither from the future nor over nor recorded by a clock that runs behind; a no is never held up."""
    recording = Recording(now, at(1), TOLERANCE)

    if code is None or kind is not GRANT:
        check_recordable(kind, stated, until, recording)
    else:
        with pytest.raises(Refusal, match=code.value):
            check_recordable(kind, stated, until, recording)


def test_moments_of_a_person_never_run_backwards() -> None:
    """A number taken while the clock runs behind carries the latest moment that was recorded before."""
    person = Person("record-1", 4, at(10), "record-1")

    assert person.take_number(Recording(at(5), person.latest_at, TOLERANCE).moment) == 5
    assert person.latest_at == at(10)
    assert person.take_number(at(11)) == 6
    assert person.latest_at == at(11)
