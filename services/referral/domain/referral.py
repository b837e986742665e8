"""A referral and every decision about it: submitting, what agencies do, and what follows from coverage."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, TypeVar

from services.referral.domain.routing import Route, RoutedBy
from services.referral.domain.states import CLOSED, Act, Party, leads_to, next_state
from tsunagu_contracts.codes import (
    Area,
    CoverageState,
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
    SectionFacts,
)


@dataclass(frozen=True, slots=True)
class Referral:
    """One referral at one version.

    `sent_by` is the sender's named coordinator, `lead` the recipient's once it has accepted; `halted_in` is
    the state in which a halted referral rests; `delivered` tells whether the addressee has ever had it;
    `coverage` is the last word of `consent` on its sections.
    """

    referral_id: str
    version: int
    state: ReferralState
    halted_in: ReferralState | None
    sent_by: Accountable
    lead: Accountable | None
    addressee: str
    routed_by: RoutedBy
    delivered: bool
    handle_id: str
    purpose: Purpose
    area: Area
    service_family: ServiceFamily
    urgency: Urgency
    language: Language
    sections: tuple[SectionFacts, ...]
    coverage: tuple[SectionCoverage, ...] = ()

    @property
    def sender(self) -> str:
        """The agency that sent it."""
        return self.sent_by.agency_id

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self.state in CLOSED

    @property
    def accountable(self) -> Accountable:
        """The one coordinator who answers for it: the sender's until acceptance, then the recipient's lead.

        A declined referral is back with the sender.
        """
        if self.lead is None or self.state is ReferralState.DECLINED:
            return self.sent_by
        return self.lead

    def party_of(self, agency_id: str) -> Party | None:
        """As what the agency may know of this referral; None for an addressee that has not had it yet."""
        if agency_id == self.sender:
            return Party.SENDER
        if agency_id == self.addressee and self.delivered:
            return Party.RECIPIENT
        return None


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """What an event keeps of the agency's message that brought it about: its id and the manifest verbatim."""

    message_id: str
    manifest: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a sender asks for, as its checked manifest says it."""

    referral_id: str
    handle_id: str
    purpose: Purpose
    area: Area
    service_family: ServiceFamily
    urgency: Urgency
    language: Language
    sections: tuple[SectionFacts, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The referral after the decision, and the event that says so."""

    referral: Referral
    event: ReferralFacts


def submit(request: Request, sent_by: Accountable, route: Route, message: SignedMessage) -> Decision:
    """Begin a referral at its first version."""
    referral = Referral(
        referral_id=request.referral_id,
        version=1,
        state=next_state(None, None, Party.SENDER, Act.SUBMIT),
        halted_in=None,
        sent_by=sent_by,
        lead=None,
        addressee=route.addressee,
        routed_by=route.routed_by,
        delivered=False,
        handle_id=request.handle_id,
        purpose=request.purpose,
        area=request.area,
        service_family=request.service_family,
        urgency=request.urgency,
        language=request.language,
        sections=request.sections,
    )
    event = ReferralSubmitted(
        **_facts(referral),
        **_signed(message),
        service_family=referral.service_family,
        language=referral.language,
        routed_by=referral.routed_by.value,
        sections=referral.sections,
    )
    return Decision(referral, event)


def act(
    referral: Referral,
    doing: ReferralAct,
    by: Accountable,
    message: SignedMessage,
    *,
    reason: DeclineReason | None = None,
    outcome: Outcome | None = None,
) -> Decision:
    """Let a coordinator of a party act.

    Refuses with `referral_unknown` whoever is no party, with the table's code what the table does not have,
    and with `invalid_content` a decline without reason or a completion without outcome.
    """
    party = referral.party_of(by.agency_id)
    if party is None:
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    state = next_state(referral.state, referral.halted_in, party, Act(doing.value))
    moved = _moved(referral, state)
    if doing is ReferralAct.ACCEPT:
        moved = replace(moved, lead=by)
    facts, signed = _facts(moved), _signed(message)
    event: ReferralFacts
    match doing:
        case ReferralAct.ACCEPT:
            event = ReferralAccepted(**facts, **signed)
        case ReferralAct.START:
            event = ReferralStarted(**facts, **signed)
        case ReferralAct.DECLINE:
            event = ReferralDeclined(**facts, **signed, reason=_given(reason, "reason"))
        case ReferralAct.COMPLETE:
            event = ReferralCompleted(**facts, **signed, outcome=_given(outcome, "outcome"))
    return Decision(moved, event)


def cover(
    referral: Referral, addressee: str, sections: Sequence[SectionCoverage], manifest: str
) -> Decision | Referral:
    """Follow what `consent` decided: deliver, ask, halt or resume.

    A Referral alone means that only its coverage has changed and there is nothing to say. `manifest` is the
    sender's. Refuses with `invalid_content` coverage for another addressee or for other sections.
    """
    known = {(section.section_id, section.category) for section in referral.sections}
    if addressee != referral.addressee or {(part.section_id, part.category) for part in sections} != known:
        raise Refusal(RefusalCode.INVALID_CONTENT, referral_id=referral.referral_id)
    if referral.closed:
        return referral
    covered = any(part.state is CoverageState.COVERED for part in sections)
    unchanged = tuple(sections) == referral.coverage
    updated = replace(referral, coverage=tuple(sections))
    doing = Act.COVER if covered else Act.UNCOVER
    state = leads_to(referral.state, referral.halted_in, Party.CONSENT, doing)
    if state is None or (unchanged and state is referral.state):
        return updated
    if state is ReferralState.HALTED:
        halted = replace(_moved(updated, state), halted_in=referral.state)
        return Decision(halted, ReferralHalted(**_facts(halted), sections=halted.coverage))
    if referral.state is ReferralState.HALTED:
        resumed = _moved(updated, state)
        return Decision(resumed, ReferralResumed(**_facts(resumed), sections=resumed.coverage))
    if state is ReferralState.DELIVERED:
        delivered = replace(_moved(updated, state), delivered=True)
        told = ReferralDelivered(**_facts(delivered), manifest=manifest, sections=delivered.coverage)
        return Decision(delivered, told)
    waiting = _moved(updated, state)
    return Decision(waiting, ReferralAwaitingConsent(**_facts(waiting), sections=waiting.coverage))


_Code = TypeVar("_Code", DeclineReason, Outcome)


class _Facts(TypedDict):
    referral_id: str
    state: ReferralState
    sender: str
    addressee: str
    handle_id: str
    purpose: Purpose
    area: Area
    urgency: Urgency
    accountable: Accountable


class _Signed(TypedDict):
    message_id: str
    manifest: str


def _facts(referral: Referral) -> _Facts:
    return _Facts(
        referral_id=referral.referral_id,
        state=referral.state,
        sender=referral.sender,
        addressee=referral.addressee,
        handle_id=referral.handle_id,
        purpose=referral.purpose,
        area=referral.area,
        urgency=referral.urgency,
        accountable=referral.accountable,
    )


def _signed(message: SignedMessage) -> _Signed:
    return _Signed(message_id=message.message_id, manifest=message.manifest)


def _moved(referral: Referral, state: ReferralState) -> Referral:
    return replace(referral, state=state, version=referral.version + 1, halted_in=None)


def _given(code: _Code | None, name: str) -> _Code:
    if code is None:
        raise Refusal(RefusalCode.INVALID_CONTENT, where=name)
    return code
