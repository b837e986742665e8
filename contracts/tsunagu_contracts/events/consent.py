"""What `consent` says: coverage (no person in it), and a person's record for `audit` and `notify` alone."""

from typing import ClassVar

from tsunagu_contracts.codes import (
    Area,
    Category,
    KeptUnder,
    ObligationCause,
    ObligationEnd,
    OverrideGround,
    ProofSeen,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.referral import Reason, SectionCoverage
from tsunagu_contracts.types import AgencyId, Compact, Frozen, Id, Instant, Whole


class CoverageDecided(EventData):
    """Which sections of a referral its addressee may open now, what must be asked, what is invalid."""

    TYPE: ClassVar[str] = "coverage.decided.v1"

    referral_id: Id
    addressee: AgencyId
    sections: tuple[SectionCoverage, ...]


class RecordOpened(EventData):
    """A person's record begins, under a random id that says nothing of the person."""

    TYPE: ClassVar[str] = "record.opened.v1"

    record_id: Id


class RecordReferralLinked(EventData):
    """A referral speaks of the person of this record."""

    TYPE: ClassVar[str] = "record.referral_linked.v1"

    record_id: Id
    referral_id: Id


class RecordedBy(Frozen):
    """The coordinator who wrote a statement down, for which agency and under which appointment."""

    agency_id: AgencyId
    coordinator_id: Id
    appointment_id: Id


class SpokenFor(Frozen):
    """Who spoke in the person's stead, by what, and on what ground the person's own refusal is overruled."""

    representative_id: Id
    ground: RepresentationGround
    overrides: OverrideGround | None


class StatementRecorded(EventData):
    """The person's word was recorded; it takes effect with this event's `number`."""

    TYPE: ClassVar[str] = "statement.recorded.v1"

    record_id: Id
    number: Whole
    statement_id: Id
    referral_id: Id
    kind: StatementKind
    categories: tuple[Category, ...]
    recipients: tuple[AgencyId, ...] | None
    purposes: tuple[Purpose, ...]
    how: StatementMethod
    valid_from: Instant
    valid_until: Instant | None
    stated_at: Instant
    recorded_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact
    representation: SpokenFor | None = None
    disaster_in: Area | None = None
    confirms: Id | None = None


class RepresentativeRecorded(EventData):
    """From this number on somebody may speak in the person's stead, within these bounds."""

    TYPE: ClassVar[str] = "representative.recorded.v1"

    record_id: Id
    number: Whole
    representative_id: Id
    referral_id: Id
    ground: RepresentationGround
    proof: ProofSeen
    categories: tuple[Category, ...] | None
    purposes: tuple[Purpose, ...] | None
    valid_from: Instant
    valid_until: Instant | None
    recorded_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact


class StatementCountersigned(EventData):
    """From this number on another agency vouches for what the person said."""

    TYPE: ClassVar[str] = "statement.countersigned.v1"

    record_id: Id
    number: Whole
    statement_id: Id
    referral_id: Id
    recorded_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact


class DisasterDeclared(EventData):
    """Consent that was given for a disaster in one of these areas counts from now on."""

    TYPE: ClassVar[str] = "disaster.declared.v1"

    disaster_id: Id
    areas: tuple[Area, ...]
    declared_at: Instant
    said_by: RecordedBy
    message_id: Id
    manifest: Compact


class DisasterLifted(EventData):
    """The disaster is over, and so is what was consented to for its sake."""

    TYPE: ClassVar[str] = "disaster.lifted.v1"

    disaster_id: Id
    areas: tuple[Area, ...]
    lifted_at: Instant
    said_by: RecordedBy
    message_id: Id
    manifest: Compact


class ObligationIncurred(EventData):
    """An agency may no longer hold a section that it has opened, and owes an answer by a date."""

    TYPE: ClassVar[str] = "obligation.incurred.v1"

    record_id: Id
    number: Whole
    obligation_id: Id
    agency_id: AgencyId
    referral_id: Id
    section_id: Id
    category: Category
    cause: ObligationCause
    incurred_at: Instant
    due_at: Instant


class ObligationEnded(EventData):
    """An obligation is over; `answered_by` and `manifest` are the agency's word, absent where it was lifted."""

    TYPE: ClassVar[str] = "obligation.ended.v1"

    record_id: Id
    number: Whole
    obligation_id: Id
    agency_id: AgencyId
    end: ObligationEnd
    kept_under: KeptUnder | None
    ended_at: Instant
    answered_by: RecordedBy | None
    message_id: Id | None
    manifest: Compact | None


class ObligationOverdue(EventData):
    """The date has passed and the agency has not answered."""

    TYPE: ClassVar[str] = "obligation.overdue.v1"

    record_id: Id
    number: Whole
    obligation_id: Id
    agency_id: AgencyId
    due_at: Instant
    noticed_at: Instant


class ReleaseGranted(EventData):
    """The key of one section was handed to one agency, under one statement."""

    TYPE: ClassVar[str] = "release.granted.v1"

    record_id: Id
    number: Whole
    release_id: Id
    referral_id: Id
    section_id: Id
    category: Category
    purpose: Purpose
    recipient: AgencyId
    coordinator_id: Id
    appointment_id: Id
    statement_id: Id
    statement_number: Whole
    decided_at: Instant


class ReleaseRefused(EventData):
    """Someone asked for the key of a section and did not get it."""

    TYPE: ClassVar[str] = "release.refused.v1"

    record_id: Id | None
    number: Whole | None
    release_id: Id
    referral_id: Id
    section_id: Id
    category: Category | None
    recipient: AgencyId
    coordinator_id: Id
    appointment_id: Id | None
    reason: Reason
    decided_at: Instant
