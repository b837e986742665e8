"""What `referral` says: the life of a referral, with the manifests that moved it and never a body."""

from typing import Annotated, ClassVar

from pydantic import Field

from tsunagu_contracts.codes import (
    Area,
    Category,
    CoverageState,
    DecisionReason,
    DeclineReason,
    Language,
    Outcome,
    Purpose,
    ReferralState,
    RefusalCode,
    ServiceFamily,
    Urgency,
)
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import AgencyId, Compact, Digest, Frozen, Id, Whole

Reason = Annotated[DecisionReason | RefusalCode, Field(union_mode="left_to_right")]
"""Why a section may or may not be opened. No value is in both; trying them in turn costs a tenth of comparing them."""


class Accountable(Frozen):
    """The one coordinator who answers for a referral at this version, and under which appointment."""

    agency_id: AgencyId
    coordinator_id: Id
    appointment_id: Id


class SectionFacts(Frozen):
    """What is in clear about one section."""

    section_id: Id
    category: Category
    digest: Digest


class SectionCoverage(Frozen):
    """What `consent` says of one section."""

    section_id: Id
    category: Category
    state: CoverageState
    reason: Reason


class ReferralFacts(EventData):
    """What every event of a referral tells, so that no reader must remember earlier ones."""

    referral_id: Id
    state: ReferralState
    sender: AgencyId
    addressee: AgencyId
    handle_id: Id
    purpose: Purpose
    area: Area
    urgency: Urgency
    accountable: Accountable


class ByMessage(ReferralFacts):
    """An event that a signed message of an agency brought about; `manifest` is that message verbatim."""

    message_id: Id
    manifest: Compact


class ReferralSubmitted(ByMessage):
    """An agency asks another to take up a need of a person."""

    TYPE: ClassVar[str] = "referral.submitted.v1"

    service_family: ServiceFamily
    language: Language
    routed_by: Id
    sections: tuple[SectionFacts, ...]


class ReferralAwaitingConsent(ReferralFacts):
    """No section is covered yet; `to_ask` says what the sender must ask the person."""

    TYPE: ClassVar[str] = "referral.awaiting_consent.v1"

    sections: tuple[SectionCoverage, ...]


class ReferralDelivered(ReferralFacts):
    """At least one section is covered and all sections, still sealed, went to the addressee.

    `manifest` is the sender's, verbatim: the addressee relies on its signature and not on the network's word.
    """

    TYPE: ClassVar[str] = "referral.delivered.v1"

    manifest: Compact
    sections: tuple[SectionCoverage, ...]


class ReferralHalted(ReferralFacts):
    """Nothing is covered any more; the referral rests until the person says otherwise."""

    TYPE: ClassVar[str] = "referral.halted.v1"

    sections: tuple[SectionCoverage, ...]


class ReferralResumed(ReferralFacts):
    """Something is covered again; the referral is back in the state it was halted in."""

    TYPE: ClassVar[str] = "referral.resumed.v1"

    sections: tuple[SectionCoverage, ...]


class ReferralAccepted(ByMessage):
    """The recipient takes the need up; its lead is now accountable."""

    TYPE: ClassVar[str] = "referral.accepted.v1"


class ReferralDeclined(ByMessage):
    """The recipient declines."""

    TYPE: ClassVar[str] = "referral.declined.v1"

    reason: DeclineReason


class ReferralStarted(ByMessage):
    """The recipient has begun its work."""

    TYPE: ClassVar[str] = "referral.started.v1"


class ReferralCompleted(ByMessage):
    """The referral ended with an outcome."""

    TYPE: ClassVar[str] = "referral.completed.v1"

    outcome: Outcome


class MessageRefused(EventData):
    """A message of an agency was refused; where it came over Kafka its position tells which one."""

    TYPE: ClassVar[str] = "message.refused.v1"

    agency_id: AgencyId
    code: RefusalCode
    digest: Digest
    message_id: Id | None = None
    referral_id: Id | None = None
    topic: str | None = None
    partition: Whole | None = None
    offset: int | None = None
