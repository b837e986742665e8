"""The person's word and what bears on it."""

from typing import ClassVar

from tsunagu_contracts.codes import (
    Area,
    Category,
    OverrideGround,
    ProofSeen,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import AgencyId, Compact, Digest, Frozen, Id, Instant, Whole


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
    evidence: Digest | None = None


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


class StatementEvidenced(EventData):
    """From this number on evidence of what the person said is kept, by `audit` and sealed."""

    TYPE: ClassVar[str] = "statement.evidenced.v1"

    record_id: Id
    number: Whole
    statement_id: Id
    referral_id: Id
    evidence_id: Id
    digest: Digest
    recorded_at: Instant
