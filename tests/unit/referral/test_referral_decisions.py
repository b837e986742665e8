from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.domain.referral import Decision, Referral, Request, SignedMessage, act, cover, submit
from services.referral.domain.routing import Route, RoutedBy
from services.referral.domain.states import OPEN, Party
from tsunagu_contracts.codes import (
    Area,
    Category,
    CoverageState,
    DecisionReason,
    DeclineReason,
    Language,
    Outcome,
    Purpose,
    ReferralAct,
    ReferralState,
    RefusalCode,
    ServiceFamily,
    Urgency,
)
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import (
    Accountable,
    ReferralAwaitingConsent,
    ReferralDelivered,
    ReferralHalted,
    ReferralResumed,
    SectionCoverage,
    SectionFacts,
)

SENDER = Accountable(agency_id="clinic", coordinator_id="c-0001", appointment_id="ap-0001")
RECIPIENT = Accountable(agency_id="desk-fujimi", coordinator_id="c-0002", appointment_id="ap-0002")
COLLEAGUE = Accountable(agency_id="desk-fujimi", coordinator_id="c-0003", appointment_id="ap-0003")
STRANGER = Accountable(agency_id="npo", coordinator_id="c-0009", appointment_id="ap-0009")
MESSAGE = SignedMessage("m-1", "h.p.s")
SECTIONS = tuple(
    SectionFacts(section_id=f"s-{category}", category=category, digest="d" * 43)
    for category in (Category.IDENTITY, Category.HEALTH)
)


def submitted() -> Referral:
    """Return a referral of the clinic to the desk, at version 1."""
    request = Request(
        referral_id="r-1",
        handle_id="h-1",
        purpose=Purpose.SERVICE,
        area=Area.FUJIMI,
        service_family=ServiceFamily.ELDER_CARE,
        urgency=Urgency.ROUTINE,
        language=Language.JA,
        sections=SECTIONS,
    )
    return submit(request, SENDER, Route("desk-fujimi", RoutedBy.AREA_DESK), MESSAGE).referral


def coverage(*states: CoverageState) -> tuple[SectionCoverage, ...]:
    """One word of `consent` per section, in order."""
    return tuple(
        SectionCoverage(
            section_id=section.section_id,
            category=section.category,
            state=state,
            reason=DecisionReason.GRANTED if state is CoverageState.COVERED else DecisionReason.NO_STATEMENT,
        )
        for section, state in zip(SECTIONS, states, strict=True)
    )


NOTHING = coverage(CoverageState.TO_ASK, CoverageState.TO_ASK)
ONE = coverage(CoverageState.COVERED, CoverageState.TO_ASK)


def covered(referral: Referral, sections: tuple[SectionCoverage, ...]) -> Referral:
    """Return the referral after this coverage, whether or not there was anything to say."""
    result = cover(referral, "desk-fujimi", sections, "h.p.s")
    return result.referral if isinstance(result, Decision) else result


def done(referral: Referral, doing: ReferralAct, by: Accountable = RECIPIENT) -> Referral:
    """Return the referral after an act of the recipient."""
    return act(referral, doing, by, MESSAGE, reason=DeclineReason.NO_CAPACITY, outcome=Outcome.HELPED_IN_FULL).referral


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(ReferralAct), st.sampled_from((SENDER, RECIPIENT, COLLEAGUE, STRANGER))),
        st.tuples(st.sampled_from(CoverageState), st.sampled_from(CoverageState)),
    ),
    max_size=12,
)


@given(steps=steps)
def test_an_open_referral_has_exactly_one_accountable_coordinator_at_every_version(
    steps: list[tuple[ReferralAct, Accountable] | tuple[CoverageState, CoverageState]],
) -> None:
    """The sender's named coordinator until acceptance, then the one who accepted, whatever happens."""
    referral, accepted_by = submitted(), None
    for step in steps:
        before = referral
        try:
            match step:
                case (ReferralAct() as doing, Accountable() as by):
                    referral = done(referral, doing, by)
                    if doing is ReferralAct.ACCEPT:
                        accepted_by = by
                    assert by.agency_id == "desk-fujimi"
                case (CoverageState() as first, CoverageState() as second):
                    referral = covered(referral, coverage(first, second))
        except Refusal:
            assert referral is before
        if referral.state in OPEN:
            assert referral.accountable == (accepted_by or SENDER)
        assert referral.version in {before.version, before.version + 1}
        assert (referral.halted_in is not None) == (referral.state is ReferralState.HALTED)


@given(steps=steps)
def test_every_event_says_what_the_referral_then_is(
    steps: list[tuple[ReferralAct, Accountable] | tuple[CoverageState, CoverageState]],
) -> None:
    """State and accountable coordinator of an event are those of the version that it brings."""
    referral = submitted()
    for step in steps:
        try:
            match step:
                case (ReferralAct() as doing, Accountable() as by):
                    result: Decision | Referral = act(
                        referral,
                        doing,
                        by,
                        MESSAGE,
                        reason=DeclineReason.NO_CAPACITY,
                        outcome=Outcome.HELPED_IN_PART,
                    )
                case (CoverageState() as first, CoverageState() as second):
                    result = cover(referral, "desk-fujimi", coverage(first, second), "h.p.s")
        except Refusal:
            continue
        if isinstance(result, Decision):
            referral = result.referral
            assert (result.event.state, result.event.accountable) == (referral.state, referral.accountable)
        else:
            assert result.version == referral.version
            referral = result


def test_nothing_covered_waits_and_says_what_to_ask() -> None:
    """A referral of which no section is covered is not delivered; the event names every section's state."""
    result = cover(submitted(), "desk-fujimi", NOTHING, "h.p.s")
    assert isinstance(result, Decision)
    assert isinstance(result.event, ReferralAwaitingConsent)
    assert result.event.sections == NOTHING
    assert result.referral.party_of("desk-fujimi") is None


def test_one_covered_section_delivers_all() -> None:
    """As soon as one section is covered the referral is delivered, with the sender's manifest."""
    result = cover(covered(submitted(), NOTHING), "desk-fujimi", ONE, "h.p.s")
    assert isinstance(result, Decision)
    assert isinstance(result.event, ReferralDelivered)
    assert result.event.manifest == "h.p.s"
    assert result.referral.party_of("desk-fujimi") is Party.RECIPIENT


def test_the_same_coverage_again_says_nothing() -> None:
    """A waiting referral makes no new version of what was said already."""
    waiting = covered(submitted(), NOTHING)
    assert cover(waiting, "desk-fujimi", NOTHING, "h.p.s") == waiting


def test_more_or_less_coverage_after_delivery_only_changes_what_opens() -> None:
    """While something stays covered a delivered referral keeps its state and version."""
    delivered = covered(submitted(), ONE)
    both = coverage(CoverageState.COVERED, CoverageState.COVERED)
    assert cover(delivered, "desk-fujimi", both, "h.p.s") == replace(delivered, coverage=both)


def test_nothing_covered_any_more_halts_and_covered_again_resumes_where_it_was() -> None:
    """An accepted referral rests while nothing is covered and is accepted again afterwards."""
    accepted = done(covered(submitted(), ONE), ReferralAct.ACCEPT)
    halted = cover(accepted, "desk-fujimi", NOTHING, "h.p.s")
    assert isinstance(halted, Decision)
    assert isinstance(halted.event, ReferralHalted)
    assert halted.referral.accountable == RECIPIENT
    resumed = cover(halted.referral, "desk-fujimi", ONE, "h.p.s")
    assert isinstance(resumed, Decision)
    assert isinstance(resumed.event, ReferralResumed)
    assert resumed.referral.state is ReferralState.ACCEPTED


def test_coverage_after_the_end_changes_nothing() -> None:
    """A completed referral stays as it ended, whatever the person says later."""
    completed = done(done(covered(submitted(), ONE), ReferralAct.ACCEPT), ReferralAct.COMPLETE)
    assert cover(completed, "desk-fujimi", NOTHING, "h.p.s") == completed


@pytest.mark.parametrize("by", [STRANGER, RECIPIENT])
def test_before_delivery_the_addressee_is_answered_like_a_stranger(by: Accountable) -> None:
    """Nobody but the sender learns that an undelivered referral exists."""
    with pytest.raises(Refusal) as caught:
        act(submitted(), ReferralAct.ACCEPT, by, MESSAGE)
    assert caught.value.code is RefusalCode.REFERRAL_UNKNOWN


def test_the_sender_cannot_accept_its_own_referral() -> None:
    """Acceptance is the recipient's alone."""
    with pytest.raises(Refusal) as caught:
        act(covered(submitted(), ONE), ReferralAct.ACCEPT, SENDER, MESSAGE)
    assert caught.value.code is RefusalCode.NOT_PERMITTED


@pytest.mark.parametrize("doing", [ReferralAct.DECLINE, ReferralAct.COMPLETE])
def test_an_end_without_its_code_is_refused(doing: ReferralAct) -> None:
    """A decline needs a reason and a completion an outcome."""
    accepted = done(covered(submitted(), ONE), ReferralAct.ACCEPT)
    with pytest.raises(Refusal) as caught:
        act(accepted, doing, RECIPIENT, MESSAGE)
    assert caught.value.code is RefusalCode.INVALID_CONTENT


def test_a_declined_referral_is_back_with_its_sender() -> None:
    """After a decline the sender's coordinator answers for the person again."""
    declined = done(done(covered(submitted(), ONE), ReferralAct.ACCEPT), ReferralAct.DECLINE)
    assert declined.accountable == SENDER


@pytest.mark.parametrize(("addressee", "sections"), [("npo", ONE), ("desk-fujimi", ONE[:1]), ("desk-fujimi", ())])
def test_coverage_of_something_else_is_refused(addressee: str, sections: tuple[SectionCoverage, ...]) -> None:
    """Coverage for another addressee or other sections never moves a referral."""
    with pytest.raises(Refusal) as caught:
        cover(submitted(), addressee, sections, "h.p.s")
    assert caught.value.code is RefusalCode.INVALID_CONTENT
