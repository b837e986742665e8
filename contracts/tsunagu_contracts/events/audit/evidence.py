"""Evidence: that it is kept, and that both custodians had it opened."""

from typing import ClassVar

from tsunagu_contracts.codes import DisputeGround, EvidenceKind, RefusalCode
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import AgencyId, Compact, Digest, Id, Instant, Whole


class EvidenceStored(EventData):
    """A sealed file is kept; `size` and `digest` are those of the sealed form."""

    TYPE: ClassVar[str] = "evidence.stored.v1"

    evidence_id: Id
    referral_id: Id
    statement_id: Id
    media_type: EvidenceKind
    size: Whole
    digest: Digest
    custodians: tuple[AgencyId, ...]
    recorded_by: RecordedBy
    stored_at: Instant
    message_id: Id
    manifest: Compact


class EvidenceOpeningAsked(EventData):
    """A custodian asks to open evidence in a dispute; alone it opens nothing."""

    TYPE: ClassVar[str] = "evidence.opening_asked.v1"

    opening_id: Id
    evidence_id: Id
    dispute_id: Id
    referral_id: Id
    ground: DisputeGround
    asked_by: RecordedBy
    asked_at: Instant
    message_id: Id
    manifest: Compact


class EvidenceOpened(EventData):
    """Both custodians asked in time: the sealed file and the shares of its key go to these two coordinators."""

    TYPE: ClassVar[str] = "evidence.opened.v1"

    opening_id: Id
    evidence_id: Id
    dispute_id: Id
    referral_id: Id
    opened_to: tuple[RecordedBy, ...]
    opened_at: Instant


class EvidenceRefused(EventData):
    """An agency's authentic message about evidence was refused and changed nothing; `digest` is its signed manifest's.

    `kind` is the manifest's CloudEvents type.
    """

    TYPE: ClassVar[str] = "evidence.refused.v1"

    attempt_id: Id
    agency_id: AgencyId
    coordinator_id: Id
    message_id: Id
    kind: Id
    digest: Digest
    code: RefusalCode
    refused_at: Instant
