"""The life of the story's referral, event by event, as `referral` tells it to services and agencies."""

from tests.contracts.golden.messages import DECLINED_REFERRAL, GRANTED, REFERRAL, Said, desk_acts
from tests.contracts.golden.shelf import (
    CLINIC,
    CLINIC_APPOINTMENT,
    CLINIC_WORKER,
    DESK,
    DESK_APPOINTMENT,
    DESK_WORKER,
    Shelf,
    ident,
)
from tsunagu_contracts.codes import (
    CoverageState,
    DecisionReason,
    DeclineReason,
    Outcome,
    ReferralAct,
    ReferralState,
    RefusalCode,
)
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause, decode_event
from tsunagu_contracts.events.referral import (
    Accountable,
    MessageRefused,
    ReferralAccepted,
    ReferralAwaitingConsent,
    ReferralCompleted,
    ReferralDeclined,
    ReferralDelivered,
    ReferralFacts,
    ReferralHalted,
    ReferralResumed,
    ReferralStarted,
    ReferralSubmitted,
    SectionCoverage,
)
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.schemas import INBOUND
from tsunagu_contracts.topics import agency_outbound

AGGREGATE = f"referral:{REFERRAL}"
_CLINIC = Accountable(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT)
_DESK = Accountable(agency_id=DESK, coordinator_id=DESK_WORKER, appointment_id=DESK_APPOINTMENT)
_BY_CLINIC, _BY_DESK = f"coordinator:{CLINIC_WORKER}", f"coordinator:{DESK_WORKER}"
_DESK_ACTS = Cause(f"appointment:{DESK_APPOINTMENT}", 1)


def coverage(said: Said, *, granted: bool) -> tuple[SectionCoverage, ...]:
    """What `consent` says of the four sections before and after the person has spoken."""
    return tuple(
        SectionCoverage(
            section_id=section.section_id,
            category=section.category,
            state=CoverageState.COVERED if granted and section.category in GRANTED else CoverageState.TO_ASK,
            reason=DecisionReason.GRANTED if granted and section.category in GRANTED else DecisionReason.NO_STATEMENT,
        )
        for section in said.submission.data.sections
    )


def facts(said: Said, state: ReferralState, accountable: Accountable = _CLINIC) -> dict[str, object]:
    """What every event of the referral tells."""
    data = said.submission.data
    return ReferralFacts(
        referral_id=REFERRAL,
        state=state,
        sender=CLINIC,
        addressee=DESK,
        handle_id=ident("handle"),
        purpose=data.purpose,
        area=data.area,
        urgency=data.urgency,
        accountable=accountable,
    ).model_dump()


def referral_says(shelf: Shelf, said: Said) -> None:
    """Make or read every event of `referral`, and the delivery as the desk reads it."""
    submitted = _submitted(shelf, said)
    to_ask, covered = coverage(said, granted=False), coverage(said, granted=True)
    waiting = shelf.event(
        ReferralAwaitingConsent.model_validate(facts(said, ReferralState.AWAITING_CONSENT) | {"sections": to_ask}),
        AGGREGATE,
        2,
        1,
        "system:consent",
        previous=submitted,
        cause=Cause(f"coverage:{REFERRAL}", 1),
    )
    delivered = shelf.event(
        ReferralDelivered.model_validate(
            facts(said, ReferralState.DELIVERED) | {"manifest": said.submit.manifest, "sections": covered}
        ),
        AGGREGATE,
        3,
        31,
        _BY_CLINIC,
        previous=waiting,
        cause=Cause(f"coverage:{REFERRAL}", 2),
        appointment=CLINIC_APPOINTMENT,
    )
    delivery = InboundMessage(decode_event(delivered), said.submit.bodies)
    shelf.message(INBOUND, delivery.to_bytes)
    _desk_works(shelf, said, delivered)
    _declined(shelf, said)
    _refused(shelf)


def _submitted(shelf: Shelf, said: Said) -> bytes:
    data = said.submission.data
    more: dict[str, object] = {
        "message_id": said.submission.id,
        "manifest": said.submit.manifest,
        "service_family": data.service_family,
        "language": data.language,
        "routed_by": "named_agency",
        "sections": data.sections,
    }
    return shelf.event(
        ReferralSubmitted.model_validate(facts(said, ReferralState.SUBMITTED) | more),
        AGGREGATE,
        1,
        0,
        _BY_CLINIC,
        cause=Cause(f"appointment:{CLINIC_APPOINTMENT}", 1),
        appointment=CLINIC_APPOINTMENT,
    )


def _desk_works(shelf: Shelf, said: Said, delivered: bytes) -> None:
    """The desk accepts and begins; the person withdraws everything, thinks again, and is helped."""
    accepted = shelf.event(
        ReferralAccepted.model_validate(
            facts(said, ReferralState.ACCEPTED, _DESK) | _by(said.accept.manifest, ReferralAct.ACCEPT)
        ),
        AGGREGATE,
        4,
        104,
        _BY_DESK,
        previous=delivered,
        cause=_DESK_ACTS,
        appointment=DESK_APPOINTMENT,
    )
    started = shelf.event(
        ReferralStarted.model_validate(
            facts(said, ReferralState.IN_PROGRESS, _DESK)
            | _by(desk_acts(shelf, ReferralAct.START, 4), ReferralAct.START)
        ),
        AGGREGATE,
        5,
        105,
        _BY_DESK,
        previous=accepted,
        cause=_DESK_ACTS,
        appointment=DESK_APPOINTMENT,
    )
    withdrawn = tuple(
        one.model_copy(update={"state": CoverageState.REFUSED, "reason": DecisionReason.WITHDRAWN_BY_PERSON})
        for one in coverage(said, granted=True)
    )
    halted = shelf.event(
        ReferralHalted.model_validate(facts(said, ReferralState.HALTED, _DESK) | {"sections": withdrawn}),
        AGGREGATE,
        6,
        106,
        _BY_DESK,
        previous=started,
        cause=Cause(f"coverage:{REFERRAL}", 3),
        appointment=DESK_APPOINTMENT,
    )
    resumed = shelf.event(
        ReferralResumed.model_validate(
            facts(said, ReferralState.IN_PROGRESS, _DESK) | {"sections": coverage(said, granted=True)}
        ),
        AGGREGATE,
        7,
        107,
        _BY_DESK,
        previous=halted,
        cause=Cause(f"coverage:{REFERRAL}", 4),
        appointment=DESK_APPOINTMENT,
    )
    manifest = desk_acts(shelf, ReferralAct.COMPLETE, 7, outcome=Outcome.HELPED_IN_FULL)
    shelf.event(
        ReferralCompleted.model_validate(
            facts(said, ReferralState.COMPLETED, _DESK)
            | _by(manifest, ReferralAct.COMPLETE)
            | {"outcome": Outcome.HELPED_IN_FULL}
        ),
        AGGREGATE,
        8,
        108,
        _BY_DESK,
        previous=resumed,
        cause=_DESK_ACTS,
        appointment=DESK_APPOINTMENT,
    )


def _declined(shelf: Shelf, said: Said) -> None:
    """Another referral, which the desk declines."""
    reason = DeclineReason.NO_CAPACITY
    manifest = desk_acts(shelf, ReferralAct.DECLINE, 3, referral_id=DECLINED_REFERRAL, reason=reason)
    more = {"referral_id": DECLINED_REFERRAL, "handle_id": ident("another handle"), "reason": reason}
    shelf.event(
        ReferralDeclined.model_validate(
            facts(said, ReferralState.DECLINED) | _by(manifest, ReferralAct.DECLINE) | more
        ),
        f"referral:{DECLINED_REFERRAL}",
        4,
        104,
        _BY_DESK,
        previous=b"an event that is no golden message",
        cause=_DESK_ACTS,
        appointment=DESK_APPOINTMENT,
    )


def _refused(shelf: Shelf) -> None:
    refused = MessageRefused(
        agency_id=CLINIC,
        code=RefusalCode.DIGEST_MISMATCH,
        digest=digest("the bytes of the refused message"),
        message_id=ident("refused message"),
        referral_id=ident("refused referral"),
        topic=agency_outbound(CLINIC),
        partition=0,
        offset=41,
    )
    shelf.event(refused, f"message:{ident('refusal')}", 1, 3, "system:referral")


def _by(manifest: str, act: ReferralAct) -> dict[str, object]:
    return {"message_id": ident(f"message {act.value}"), "manifest": manifest}
