"""What an auditor may ask under a mandate."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.audit.domain.mandates import (
    AccessQuestion,
    Mandate,
    ReferralScope,
    Subject,
    bounded,
    check_aggregate,
    mandate_for,
)
from tests.builders.agency_messages import NOW
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

CLINIC, DESK, FUJIMI = "chiyoda-clinic-a", "chiyoda-desk-fujimi", "chiyoda.fujimi"
MANDATE = Mandate(
    "ma-0001",
    "au-0001",
    frozenset({DESK}),
    frozenset({FUJIMI}),
    NOW - timedelta(days=30),
    NOW + timedelta(days=30),
)
WITHIN = ReferralScope(CLINIC, DESK, FUJIMI)
OTHER_AREA = ReferralScope(CLINIC, DESK, "chiyoda.kojimachi")
OTHER_AGENCIES = ReferralScope(CLINIC, "chiyoda-npo-a", FUJIMI)


def refusal(question: AccessQuestion, referral: ReferralScope | None = None) -> tuple[RefusalCode, str]:
    """Why a question is refused, and which bound it breaks."""
    with pytest.raises(Refusal) as caught:
        bounded(MANDATE, question, referral)
    return caught.value.code, caught.value.detail["bound"]


def test_a_question_without_times_is_narrowed_to_the_mandates_period() -> None:
    """What is not named is bounded all the same."""
    assert bounded(MANDATE, AccessQuestion(agency_id=DESK), None) == AccessQuestion(
        agency_id=DESK, since=MANDATE.valid_from, until=MANDATE.valid_until
    )


def test_a_named_agency_beyond_the_mandate_is_refused() -> None:
    """The mandate names the agencies that may be asked about."""
    assert refusal(AccessQuestion(agency_id=CLINIC)) == (RefusalCode.OUTSIDE_MANDATE, "agency")


@pytest.mark.parametrize("referral", [OTHER_AREA, OTHER_AGENCIES, None])
def test_a_named_referral_beyond_the_mandate_is_refused_like_one_that_nobody_knows(
    referral: ReferralScope | None,
) -> None:
    """Area and agencies both bound a referral, and a refusal does not tell whether it exists."""
    assert refusal(AccessQuestion(referral_id="r"), referral) == (RefusalCode.OUTSIDE_MANDATE, "referral")


def test_a_referral_of_which_one_party_is_named_is_within() -> None:
    """Either the sender or the addressee brings a referral into a mandate."""
    assert bounded(MANDATE, AccessQuestion(referral_id="r"), WITHIN).referral_id == "r"
    sender = replace(MANDATE, agencies=frozenset({CLINIC}))
    assert bounded(sender, AccessQuestion(referral_id="r"), WITHIN).referral_id == "r"


@pytest.mark.parametrize(
    "question",
    [
        AccessQuestion(since=NOW - timedelta(days=31)),
        AccessQuestion(until=NOW + timedelta(days=31)),
        AccessQuestion(since=NOW + timedelta(days=40), until=NOW + timedelta(days=50)),
    ],
)
def test_times_beyond_the_mandates_period_are_refused(question: AccessQuestion) -> None:
    """An answer is never silently shorter than the question."""
    assert refusal(question) == (RefusalCode.OUTSIDE_MANDATE, "period")


def test_an_auditor_may_ask_only_while_a_mandate_is_in_force() -> None:
    """The period includes its start and not its end."""
    assert mandate_for([MANDATE], None, MANDATE.valid_from) is MANDATE
    for moment in (MANDATE.valid_until, MANDATE.valid_from - timedelta(seconds=1)):
        with pytest.raises(Refusal) as caught:
            mandate_for([MANDATE], None, moment)
        assert caught.value.code is RefusalCode.MANDATE_REQUIRED


def test_of_several_mandates_the_one_named_counts_and_else_the_one_that_ends_last() -> None:
    """Each question is asked under one mandate."""
    longer = replace(MANDATE, mandate_id="ma-0002", valid_until=NOW + timedelta(days=60))
    assert mandate_for([MANDATE, longer], None, NOW) is longer
    assert mandate_for([MANDATE, longer], "ma-0001", NOW) is MANDATE
    with pytest.raises(Refusal):
        mandate_for([MANDATE, longer], "ma-0003", NOW)


@pytest.mark.parametrize(
    ("subjects", "shown"),
    [
        ([Subject(WITHIN)], True),
        ([Subject(), Subject(WITHIN)], True),
        ([Subject(WITHIN), Subject(OTHER_AREA)], False),
        ([Subject(agency_id=DESK)], True),
        ([Subject(agency_id=CLINIC)], False),
        ([Subject(OTHER_AREA, agency_id=DESK)], False),
        ([Subject(auditor_id="au-0001")], True),
        ([Subject(auditor_id="au-0002")], False),
        ([Subject()], False),
        ([], False),
    ],
)
def test_an_aggregate_is_shown_when_all_that_it_is_about_is_within(subjects: list[Subject], shown: bool) -> None:
    """One event beyond the mandate closes an aggregate; one about nothing neither opens nor closes it."""
    if shown:
        check_aggregate(MANDATE, subjects)
    else:
        with pytest.raises(Refusal) as caught:
            check_aggregate(MANDATE, subjects)
        assert caught.value.code is RefusalCode.OUTSIDE_MANDATE
