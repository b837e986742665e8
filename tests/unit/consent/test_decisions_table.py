"""The rules of decision, one row each."""

import pytest

from services.consent.domain.decisions import Decision, decide
from services.consent.domain.requests import Request
from tests.unit.consent.decision_cases import CASES, REQUEST, Case, R, grant, heard, supported, withdraw
from tests.unit.consent.decision_page import PAGE, page
from tests.unit.consent.saying import DESK, at
from tsunagu_contracts.codes import Category, DecisionReason, Purpose


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.en)
def test_rule(case: Case) -> None:
    """Each case's rule decides over health for the desk, and names the statement it rests on."""
    decision = decide(case.said, REQUEST, as_of=1000, facts=case.facts)

    expected = None if case.number is None else f"statement-{case.number}"
    permit = case.reason is DecisionReason.GRANTED
    assert decision == Decision(permit, case.reason, expected, case.number)


def test_every_reason_has_a_case() -> None:
    """No reason of a decision is left without a case, but for the two that have nothing to do with what was said."""
    assert {case.reason for case in CASES} == set(DecisionReason) - {
        DecisionReason.SECTION_INVALID,
        DecisionReason.ERASED,
    }


@pytest.mark.parametrize("category", [Category.IDENTITY, Category.CONTACT])
def test_spoken_to_recipient_covers_identity_and_contact(category: Category) -> None:
    """Spoken consent heard by the recipient alone covers identity and contact."""
    said = [heard(1, categories=list(Category))]

    assert decide(said, Request(category, DESK, Purpose.SERVICE, at(100)), as_of=1).permit


def test_as_of_looks_at_no_later_number() -> None:
    """As of a number, what was recorded after it has not happened."""
    statements = [grant(1), withdraw(2), grant(3)]
    request = Request(Category.HEALTH, DESK, Purpose.SERVICE, at(100))

    reasons = [decide(statements, request, as_of).reason for as_of in range(4)]

    assert reasons == [R.NO_STATEMENT, R.GRANTED, R.WITHDRAWN_BY_PERSON, R.GRANTED]


def test_as_of_looks_at_no_later_support() -> None:
    """As of a number, what came to support a grant after it has not happened."""
    permitted = [decide([heard(1)], REQUEST, as_of, supported(3)).permit for as_of in range(1, 5)]

    assert permitted == [False, False, True, True]


def test_the_page_shows_these_cases() -> None:
    """The documentation is what `python -m tests.unit.consent` writes."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.unit.consent`"
