"""Evidence as a recording agency seals and signs it, and as `audit` says that it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tsunagu_contracts.codes import DisputeGround
from tsunagu_contracts.events.audit import EvidenceStored
from tsunagu_contracts.events.consent import RecordedBy
from tsunagu_contracts.evidence import Custodian, SealedEvidence, pass_share_on, seal_evidence
from tsunagu_contracts.manifests import EvidenceGiven, OpenEvidence, OpeningAsked, StoreEvidence, sign_manifest

PDF = b"%PDF-1.7\n% what the person signed\n"


@dataclass(frozen=True)
class Evidence:
    """Sealed evidence of one agency's statement, and the message that brings it."""

    recorder: SendingAgency
    sealed: SealedEvidence
    manifest: StoreEvidence

    @property
    def id(self) -> str:
        """The evidence's id."""
        return self.sealed.evidence_id

    @property
    def token(self) -> str:
        """The manifest as the recorder signs it."""
        return sign_manifest(self.manifest, self.recorder.signing)

    def stored(self) -> EvidenceStored:
        """What `audit` says when it keeps this."""
        by = self.recorder
        return EvidenceStored(
            **self.manifest.data.model_dump(exclude={"shares"}),
            custodians=tuple(each.custodian for each in self.sealed.shares),
            recorded_by=RecordedBy(agency_id=by.id, coordinator_id=by.coordinator, appointment_id=by.appointment),
            stored_at=NOW,
            message_id=self.manifest.id,
            manifest=self.token,
        )

    def asked(self, custodian: SendingAgency, other: SendingAgency, dispute_id: str) -> OpenEvidence:
        """The message by which a custodian asks to open this."""
        given, key = self.manifest.data, custodian.encryption
        return OpenEvidence(
            id=IDS.new(),
            source=f"agency/{custodian.id}",
            time=NOW,
            actor=f"coordinator:{custodian.coordinator}",
            appointment=custodian.appointment,
            data=OpeningAsked(
                evidence_id=self.id,
                dispute_id=dispute_id,
                ground=DisputeGround.PERSON_DISPUTES,
                share=pass_share_on(given, custodian.id, key, other.encryption.public, dispute_id),
            ),
        )


def evidence_of(
    recorder: SendingAgency,
    statement_id: str,
    referral_id: str,
    custodians: Sequence[SendingAgency],
    content: bytes = PDF,
) -> Evidence:
    """Seal a file as evidence of a statement."""
    first, second = [Custodian(each.id, each.encryption.public) for each in custodians]
    sealed = seal_evidence(recorder.id, content, IDS.new(), (first, second))
    given = EvidenceGiven(
        evidence_id=sealed.evidence_id,
        referral_id=referral_id,
        statement_id=statement_id,
        media_type=sealed.media_type,
        size=len(sealed.file),
        digest=sealed.digest,
        shares=sealed.shares,
    )
    manifest = StoreEvidence(
        id=IDS.new(),
        source=f"agency/{recorder.id}",
        time=NOW,
        actor=f"coordinator:{recorder.coordinator}",
        appointment=recorder.appointment,
        data=given,
    )
    return Evidence(recorder, sealed, manifest)
