"""The rules of decision, one row each."""

from functools import partial

import pytest

from services.consent.domain.decisions import Decision, Request, decide
from services.consent.domain.statements import Statement
from tests.unit.consent.saying import CLINIC, DESK, SCHOOL, at, said
from tsunagu_contracts.codes import Category, DecisionReason, Purpose, StatementKind, StatementMethod

grant = partial(said, StatementKind.GRANT)
refuse = partial(said, StatementKind.REFUSE)
withdraw = partial(said, StatementKind.WITHDRAW)
R = DecisionReason
SPOKEN = StatementMethod.SPOKEN

ROWS: list[tuple[str, list[Statement], DecisionReason, int | None]] = [
    ("silence is no", [], R.NO_STATEMENT, None),
    ("a grant permits", [grant(1)], R.GRANTED, 1),
    ("a grant to all agencies permits", [grant(1, to=None)], R.GRANTED, 1),
    ("a grant of another category is silence", [grant(1, categories=[Category.LEGAL])], R.NO_STATEMENT, None),
    ("a grant to another agency is silence", [grant(1, to=[SCHOOL])], R.NO_STATEMENT, None),
    ("a grant for another purpose is silence", [grant(1, purposes=[Purpose.DISASTER])], R.NO_STATEMENT, None),
    ("a refusal refuses", [refuse(1)], R.REFUSED_BY_PERSON, 1),
    ("a withdrawal ends a grant", [grant(1), withdraw(2)], R.WITHDRAWN_BY_PERSON, 2),
    ("a withdrawal from all ends a grant to one", [grant(1), withdraw(2, to=None)], R.WITHDRAWN_BY_PERSON, 2),
    (
        "a withdrawal of one category leaves another",
        [grant(1), withdraw(2, categories=[Category.CONTACT])],
        R.GRANTED,
        1,
    ),
    (
        "a withdrawal from one agency leaves another",
        [grant(1, to=None), withdraw(2, to=[SCHOOL])],
        R.GRANTED,
        1,
    ),
    ("a grant stated after a withdrawal permits again", [withdraw(1), grant(2)], R.GRANTED, 2),
    (
        "a grant stated before a withdrawal is void however late it arrives",
        [withdraw(1), grant(2, stated=0.5)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        1,
    ),
    (
        "a grant stated at the moment of a withdrawal is void",
        [withdraw(1), grant(2, stated=1)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        1,
    ),
    (
        "a withdrawal counts from its recording, whatever its stated_at",
        [withdraw(5, stated=-500), grant(6, stated=4)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        5,
    ),
    (
        "a withdrawal dated in the future counts at once",
        [grant(1), withdraw(2, stated=5000)],
        R.WITHDRAWN_BY_PERSON,
        2,
    ),
    (
        "a withdrawal has no period: neither its from nor its until spares a grant",
        [grant(1), withdraw(2, begins=900, ends=901)],
        R.WITHDRAWN_BY_PERSON,
        2,
    ),
    (
        "a void grant stays void under a newer withdrawal of something else",
        [withdraw(1), withdraw(2, to=[SCHOOL]), grant(3, stated=0.5)],
        R.GRANT_STATED_BEFORE_NEGATIVE,
        1,
    ),
    ("a grant from later on is not yet in force", [grant(1, begins=200)], R.GRANT_NOT_YET_IN_FORCE, 1),
    ("a grant begins at its from", [grant(1, begins=100)], R.GRANTED, 1),
    ("a grant has ended at its until", [grant(1, ends=100)], R.GRANT_EXPIRED, 1),
    ("a grant runs until just before its until", [grant(1, ends=100.001)], R.GRANTED, 1),
    (
        "a renewal from later on leaves the running grant alone",
        [grant(1), grant(2, begins=200)],
        R.GRANTED,
        1,
    ),
    (
        "an ended grant does not revive the wider one before it",
        [grant(1), grant(2, ends=50)],
        R.GRANT_EXPIRED,
        2,
    ),
    (
        "a refusal that names an agency does not yield to a grant to all",
        [refuse(1), grant(2, to=None)],
        R.NAMED_REFUSAL_STANDS,
        1,
    ),
    ("a refusal that names an agency yields to a grant that names it", [refuse(1), grant(2)], R.GRANTED, 2),
    ("a refusal of all yields to a grant to all", [refuse(1, to=None), grant(2, to=None)], R.GRANTED, 2),
    (
        "a refusal of another agency is none of this one's",
        [refuse(1, to=[SCHOOL]), grant(2, to=None)],
        R.GRANTED,
        2,
    ),
    (
        "a named refusal, lifted by name, leaves room for a later grant to all",
        [refuse(1), grant(2), grant(3, to=None)],
        R.GRANTED,
        3,
    ),
    (
        "a named refusal stands again once the grant that lifted it has ended",
        [refuse(1), grant(2, ends=50), grant(3, to=None)],
        R.NAMED_REFUSAL_STANDS,
        1,
    ),
    (
        "a named refusal does not yield to a grant by name from before it",
        [grant(1), refuse(2), grant(3, to=None)],
        R.NAMED_REFUSAL_STANDS,
        2,
    ),
    (
        "a named refusal does not yield to a grant by name recorded before it by a clock that ran ahead",
        [grant(1, stated=2.5), refuse(2), grant(3, to=None)],
        R.NAMED_REFUSAL_STANDS,
        2,
    ),
    (
        "a named refusal does not yield to a late grant by name stated before it",
        [refuse(3), grant(4, stated=2), grant(5, to=None)],
        R.NAMED_REFUSAL_STANDS,
        3,
    ),
    (
        "spoken consent heard by the recipient alone does not cover health",
        [grant(1, how=SPOKEN, by=DESK)],
        R.SPOKEN_TO_RECIPIENT_ONLY,
        1,
    ),
    ("spoken consent heard by another agency covers health", [grant(1, how=SPOKEN, by=CLINIC)], R.GRANTED, 1),
    ("written consent recorded by the recipient covers health", [grant(1, by=DESK)], R.GRANTED, 1),
    (
        "spoken consent heard by the recipient alone takes nothing from an earlier written one",
        [grant(1), grant(2, how=SPOKEN, by=DESK)],
        R.GRANTED,
        1,
    ),
    (
        "spoken consent heard by the recipient alone does not lift a withdrawal",
        [withdraw(1), grant(2, how=SPOKEN, by=DESK)],
        R.WITHDRAWN_BY_PERSON,
        1,
    ),
    (
        "a spoken withdrawal heard by the recipient alone counts in full",
        [grant(1), withdraw(2, how=SPOKEN, by=DESK)],
        R.WITHDRAWN_BY_PERSON,
        2,
    ),
]


@pytest.mark.parametrize(("rule", "statements", "reason", "number"), ROWS, ids=[row[0] for row in ROWS])
def test_rule(rule: str, statements: list[Statement], reason: DecisionReason, number: int | None) -> None:
    """Each row's rule decides over health for the desk, and names the statement it rests on."""
    decision = decide(statements, Request(Category.HEALTH, DESK, Purpose.SERVICE, at(100)), as_of=1000)

    expected = None if number is None else f"statement-{number}"
    assert decision == Decision(reason is R.GRANTED, reason, expected, number), rule


@pytest.mark.parametrize("category", [Category.IDENTITY, Category.CONTACT])
def test_spoken_to_recipient_covers_identity_and_contact(category: Category) -> None:
    """Spoken consent heard by the recipient alone covers identity and contact."""
    heard = [grant(1, how=SPOKEN, by=DESK, categories=list(Category))]

    assert decide(heard, Request(category, DESK, Purpose.SERVICE, at(100)), as_of=1).permit


def test_as_of_looks_at_no_later_number() -> None:
    """As of a number, what was recorded after it has not happened."""
    statements = [grant(1), withdraw(2), grant(3)]
    request = Request(Category.HEALTH, DESK, Purpose.SERVICE, at(100))

    reasons = [decide(statements, request, as_of).reason for as_of in range(4)]

    assert reasons == [R.NO_STATEMENT, R.GRANTED, R.WITHDRAWN_BY_PERSON, R.GRANTED]
