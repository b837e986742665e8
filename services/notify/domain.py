"""Who is told what when a referral moves: one table, and the pure rules that read it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.referral import (
    ReferralAccepted,
    ReferralAwaitingConsent,
    ReferralCompleted,
    ReferralDeclined,
    ReferralDelivered,
    ReferralFacts,
    ReferralHalted,
)


class Message(StrEnum):
    """What an inbox item says, as a code; the words are chosen at the edge, per language."""

    REFERRAL_WAITS = "referral_waits"
    CONSENT_TO_ASK = "consent_to_ask"
    REFERRAL_ACCEPTED = "referral_accepted"
    REFERRAL_DECLINED = "referral_declined"
    REFERRAL_COMPLETED = "referral_completed"
    REFERRAL_HALTED = "referral_halted"
    PERSON_TO_ASK = "person_to_ask"
    PERSON_STILL_TO_ASK = "person_still_to_ask"
    NOBODY_ANSWERED = "nobody_answered"
    NOBODY_ANSWERED_ESCALATED = "nobody_answered_escalated"
    GRANT_TO_RENEW = "grant_to_renew"
    CHANGE_TO_REVIEW = "change_to_review"
    OBLIGATION_INCURRED = "obligation_incurred"
    OBLIGATION_OVERDUE = "obligation_overdue"
    OBLIGATION_OVERDUE_ESCALATED = "obligation_overdue_escalated"


class Audience(StrEnum):
    """Whom a notice is for."""

    ON_DUTY_AT_ADDRESSEE = "on_duty_at_addressee"
    SENDERS_COORDINATOR = "senders_coordinator"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: this event is told to that audience with this message."""

    audience: Audience
    message: Message


RULES: Mapping[type[ReferralFacts], Rule] = {
    ReferralAwaitingConsent: Rule(Audience.SENDERS_COORDINATOR, Message.CONSENT_TO_ASK),
    ReferralDelivered: Rule(Audience.ON_DUTY_AT_ADDRESSEE, Message.REFERRAL_WAITS),
    ReferralAccepted: Rule(Audience.SENDERS_COORDINATOR, Message.REFERRAL_ACCEPTED),
    ReferralDeclined: Rule(Audience.SENDERS_COORDINATOR, Message.REFERRAL_DECLINED),
    ReferralCompleted: Rule(Audience.SENDERS_COORDINATOR, Message.REFERRAL_COMPLETED),
    ReferralHalted: Rule(Audience.SENDERS_COORDINATOR, Message.REFERRAL_HALTED),
}
"""Who is told what; an event that is absent here is told to nobody."""


@dataclass(frozen=True, slots=True)
class Duty:
    """An appointment as far as it matters here: who acts for which agency, from when, until before when."""

    agency_id: str
    coordinator_id: str
    valid_from: datetime
    valid_until: datetime | None
    supervises: bool = False

    def holds(self, at: datetime) -> bool:
        """Whether the coordinator was on duty at that moment."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a referral stands, as far as it matters here.

    `sender_coordinator` is who answered for it at the sender; once it is accepted, events name the
    recipient's lead instead, so it is remembered.
    """

    referral_id: str
    state: str
    sender: str
    sender_coordinator: str | None
    addressee: str
    area: str
    urgency: str
    delivered_version: int | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """A version of a referral that somebody is to be told of."""

    referral: Standing
    version: int
    at: datetime
    rule: Rule

    @property
    def told_agency(self) -> str:
        """The agency whose people are told."""
        to_addressee = self.rule.audience is Audience.ON_DUTY_AT_ADDRESSEE
        return self.referral.addressee if to_addressee else self.referral.sender

    @property
    def asks_for_sender(self) -> bool:
        """Whether it is for the sender's coordinator, of whom this event does not tell."""
        return self.rule.audience is Audience.SENDERS_COORDINATOR and self.referral.sender_coordinator is None


@dataclass(frozen=True, slots=True)
class Notice:
    """What one coordinator is told; referral, version, `about`, message and coordinator say which notice it is.

    What is not of a version of a referral (0) but of a duty has the duty's id in `about` and its date in `due_on`,
    and neither area nor urgency.
    """

    referral_id: str
    referral_version: int
    coordinator_id: str
    agency_id: str
    message: Message
    area: str | None = None
    urgency: str | None = None
    about: str = ""
    due_on: date | None = None


class _Told(Protocol):
    @property
    def referral_id(self) -> str: ...
    @property
    def area(self) -> str | None: ...
    @property
    def urgency(self) -> str | None: ...
    @property
    def about(self) -> str: ...
    @property
    def due_on(self) -> date | None: ...


def parameters(told: _Told) -> dict[str, str]:
    """The parameters of a notice or of an item, by name: coded, and as far as it has them."""
    due_on = told.due_on.isoformat() if told.due_on else None
    found = {
        "referral_id": told.referral_id,
        "area": told.area,
        "urgency": told.urgency,
        "about": told.about,
        "due_on": due_on,
    }
    return {name: value for name, value in found.items() if value}


def standing_after(before: Standing | None, event: Event, data: ReferralFacts) -> Standing:
    """Where a referral stands after an event, whose data these are; `before` is as much as is known of it."""
    at_sender = data.accountable.agency_id == data.sender
    remembered = before.sender_coordinator if before else None
    now = Standing(
        referral_id=data.referral_id,
        state=data.state.value,
        sender=data.sender,
        sender_coordinator=data.accountable.coordinator_id if at_sender else remembered,
        addressee=data.addressee,
        area=data.area.value,
        urgency=data.urgency.value,
    )
    if isinstance(data, ReferralDelivered):
        return replace(now, delivered_version=event.version, delivered_at=event.time)
    if before is not None:
        return replace(now, delivered_version=before.delivered_version, delivered_at=before.delivered_at)
    return now


def happening(event: Event, data: ReferralFacts, referral: Standing) -> Happening | None:
    """What is to be told of an event of this referral; None when it is nobody's business."""
    rule = RULES.get(type(data))
    return Happening(referral, event.version, event.time, rule) if rule else None


def delivery(referral: Standing) -> Happening | None:
    """The delivery of a referral, to be told to someone who is learnt of only now; None before it."""
    if referral.delivered_version is None or referral.delivered_at is None:
        return None
    return Happening(referral, referral.delivered_version, referral.delivered_at, RULES[ReferralDelivered])


def notices(happening: Happening, duties: Collection[Duty]) -> Sequence[Notice]:
    """The notices of one version of a referral, one per coordinator, in the order of their ids.

    `duties` must hold the appointments of the agency told. A sender's coordinator who has left is
    replaced by all who are on duty at the sender, so that no answer goes unheard.
    """
    referral, told = happening.referral, happening.told_agency
    on_duty = {duty.coordinator_id for duty in duties if duty.agency_id == told and duty.holds(happening.at)}
    if happening.rule.audience is Audience.SENDERS_COORDINATOR and referral.sender_coordinator in on_duty:
        on_duty = {referral.sender_coordinator}
    return [
        Notice(
            referral_id=referral.referral_id,
            referral_version=happening.version,
            coordinator_id=coordinator_id,
            agency_id=told,
            message=happening.rule.message,
            area=referral.area,
            urgency=referral.urgency,
        )
        for coordinator_id in sorted(on_duty)
    ]
