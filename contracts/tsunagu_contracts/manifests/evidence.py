"""What agencies say to `audit`: that evidence is to be kept, and that its custodian asks to have it opened."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tsunagu_contracts.codes import DisputeGround, EvidenceKind
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.types import AgencyId, Compact, Digest, Frozen, Id, Positive


class SealedShare(Frozen):
    """A custodian, and its share of the key, as a JWE to its registered key."""

    custodian: AgencyId
    share: Compact


class EvidenceGiven(Frozen):
    """A sealed file of evidence for a statement: what it is, `size` and digest as it travels, and its custodians."""

    evidence_id: Id
    referral_id: Id
    statement_id: Id
    media_type: EvidenceKind
    size: Positive
    digest: Digest
    shares: Annotated[tuple[SealedShare, ...], Field(min_length=2, max_length=2)]


class OpeningAsked(Frozen):
    """That a custodian asks to open evidence in a dispute; `share` is its own, as a JWE to the other custodian."""

    evidence_id: Id
    dispute_id: Id
    ground: DisputeGround
    share: Compact


class StoreEvidence(Manifest):
    """Evidence of a statement that the agency has recorded or is about to record."""

    TYPE: ClassVar[str] = "agency.evidence.store.v1"

    type: Literal["agency.evidence.store.v1"] = "agency.evidence.store.v1"
    expectedversion: Literal[0] = 0
    data: EvidenceGiven


class OpenEvidence(Manifest):
    """A custodian's word that evidence be opened in a dispute; it takes both."""

    TYPE: ClassVar[str] = "agency.evidence.open.v1"

    type: Literal["agency.evidence.open.v1"] = "agency.evidence.open.v1"
    expectedversion: Literal[0] = 0
    data: OpeningAsked


ForEvidence = StoreEvidence | OpenEvidence
"""What agencies say to `audit`, over HTTP."""
