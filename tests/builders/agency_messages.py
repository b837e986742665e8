"""Agencies with keys, a `consent` that certifies handles, and messages as those agencies would send them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from tsunagu_contracts.codes import (
    Area,
    Category,
    DisasterAct,
    KeptUnder,
    Language,
    ObligationEnd,
    ProofSeen,
    Purpose,
    ReferralAct,
    RepresentationGround,
    ServiceFamily,
    StatementKind,
    StatementMethod,
    Urgency,
)
from tsunagu_contracts.handles import HandleCertificate, certify
from tsunagu_contracts.keys import EncryptionKey, PublicKey, SigningKey
from tsunagu_contracts.manifests import (
    ActOnReferral,
    ActTaken,
    AnswerObligation,
    AnyManifest,
    CountersignStatement,
    DisasterSaid,
    ObligationAnswered,
    RecordRepresentative,
    RecordStatement,
    ReferralSubmission,
    RepresentativeNamed,
    SayDisaster,
    StatementHeard,
    StatementMade,
    SubmitReferral,
    ToAgency,
    sign_manifest,
)
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.notices import published
from tsunagu_contracts.ports import Uuid7Ids
from tsunagu_contracts.sealing import Sealed, seal_person_ref, seal_sections

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
IDS = Uuid7Ids()
CONTENTS = {
    Category.IDENTITY: "神田 花子".encode(),
    Category.CONTACT: b"03-0000-0000",
    Category.HEALTH: "通院中".encode(),
    Category.NARRATIVE: "ひとりで暮らしている".encode(),
}


@dataclass(frozen=True)
class Handle:
    """A handle as `consent` holds it (with its private key) and as the agency got it (the certificate)."""

    id: str
    key: EncryptionKey
    certificate: str


@dataclass(frozen=True)
class Consent:
    """The part of `consent` that agencies meet: it certifies handles and is written to."""

    signing: SigningKey = field(default_factory=SigningKey.generate)
    encryption: EncryptionKey = field(default_factory=EncryptionKey.generate)

    def handle_for(self, agency_id: str, *, expires_at: datetime = NOW + timedelta(days=30)) -> Handle:
        """A new handle issued to this agency."""
        handle_id, key = IDS.new(), EncryptionKey.generate()
        certificate = HandleCertificate(
            handle_id=handle_id, agency_id=agency_id, public_key=key.public, expires_at=expires_at
        )
        return Handle(handle_id, key, certify(certificate, self.signing))


@dataclass(frozen=True)
class SendingAgency:
    """An agency with its two keys and one coordinator under one appointment."""

    id: str = "chiyoda-clinic-a"
    coordinator: str = "c-0001"
    appointment: str = "ap-0001"
    signing: SigningKey = field(default_factory=SigningKey.generate)
    encryption: EncryptionKey = field(default_factory=EncryptionKey.generate)

    def seal(self, handle: Handle, contents: dict[Category, bytes] | None = None) -> Sealed:
        """Seal some sections to a handle."""
        return seal_sections(self.id, contents or CONTENTS, handle.key.public, IDS)

    def submission(
        self, handle: Handle, sealed: Sealed, person_refs_to: PublicKey, *, to: str = "chiyoda-desk-fujimi"
    ) -> SubmitReferral:
        """The manifest of a new referral of those sections."""
        return SubmitReferral(
            id=IDS.new(),
            source=f"agency/{self.id}",
            time=NOW,
            actor=f"coordinator:{self.coordinator}",
            appointment=self.appointment,
            data=ReferralSubmission(
                referral_id=IDS.new(),
                to=ToAgency(agency=to),
                area=Area.FUJIMI,
                service_family=ServiceFamily.DAILY_LIFE,
                urgency=Urgency.ROUTINE,
                language=Language.JA,
                purpose=Purpose.ASSESSMENT,
                handle=handle.certificate,
                person_ref=seal_person_ref(self.id, "karte-1234", person_refs_to),
                sections=sealed.sections,
                capsule=sealed.capsule,
            ),
        )

    def act(self, referral_id: str, act: ReferralAct, *, expected_version: int = 3) -> ActOnReferral:
        """The manifest of an act that needs neither reason nor outcome."""
        return ActOnReferral(
            id=IDS.new(),
            source=f"agency/{self.id}",
            time=NOW,
            actor=f"coordinator:{self.coordinator}",
            appointment=self.appointment,
            expectedversion=expected_version,
            data=ActTaken(referral_id=referral_id, act=act),
        )

    def statement(self, referral_id: str, kind: StatementKind, *categories: Category) -> RecordStatement:
        """The manifest of the person's word, spoken to this agency and meant for every agency."""
        return RecordStatement(
            id=IDS.new(),
            source=f"agency/{self.id}",
            time=NOW,
            actor=f"coordinator:{self.coordinator}",
            appointment=self.appointment,
            data=StatementMade(
                statement_id=IDS.new(),
                referral_id=referral_id,
                kind=kind,
                categories=categories,
                recipients=None,
                purposes=(Purpose.ASSESSMENT,),
                how=StatementMethod.WRITTEN,
                notice=published(Language.JA).shown,
                valid_from=NOW,
                stated_at=NOW,
                confirms=IDS.new() if kind is StatementKind.CONFIRM else None,
            ),
        )

    def representative(self, referral_id: str, ground: RepresentationGround) -> RecordRepresentative:
        """The manifest that names a representative who may say everything from now on."""
        return RecordRepresentative(
            id=IDS.new(),
            source=f"agency/{self.id}",
            time=NOW,
            actor=f"coordinator:{self.coordinator}",
            appointment=self.appointment,
            data=RepresentativeNamed(
                representative_id=IDS.new(),
                referral_id=referral_id,
                ground=ground,
                proof=ProofSeen.REGISTRATION_CERTIFICATE,
                valid_from=NOW,
            ),
        )

    def countersignature(self, referral_id: str, statement_id: str) -> CountersignStatement:
        """The manifest that vouches for a statement of another agency's recording."""
        return CountersignStatement(
            id=IDS.new(),
            source=f"agency/{self.id}",
            time=NOW,
            actor=f"coordinator:{self.coordinator}",
            appointment=self.appointment,
            data=StatementHeard(statement_id=statement_id, referral_id=referral_id),
        )

    def answer(
        self,
        obligation_id: str,
        end: Literal[ObligationEnd.DELETED, ObligationEnd.KEPT_BY_LAW],
        kept_under: KeptUnder | None = None,
    ) -> AnswerObligation:
        """The manifest that answers for what the agency may no longer hold; always of the same id for one of them."""
        return AnswerObligation(
            id=f"answer-{obligation_id}",
            source=f"agency/{self.id}",
            time=NOW,
            actor=f"coordinator:{self.coordinator}",
            appointment=self.appointment,
            data=ObligationAnswered(obligation_id=obligation_id, end=end, kept_under=kept_under),
        )

    def disaster(self, disaster_id: str, act: DisasterAct, *areas: Area) -> SayDisaster:
        """The manifest that declares or lifts a disaster."""
        return SayDisaster(
            id=IDS.new(),
            source=f"agency/{self.id}",
            time=NOW,
            actor=f"coordinator:{self.coordinator}",
            appointment=self.appointment,
            data=DisasterSaid(disaster_id=disaster_id, act=act, areas=areas),
        )

    def message(self, manifest: AnyManifest, sealed: Sealed | None = None) -> AgencyMessage:
        """The message of a manifest, signed with this agency's key."""
        return AgencyMessage(sign_manifest(manifest, self.signing), sealed.bodies if sealed else {})
