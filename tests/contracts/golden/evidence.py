"""Evidence in the story: a scanned form of consent, kept for the desk and the ward office, opened in a dispute."""

from tests.contracts.golden.messages import REFERRAL, STATEMENT
from tests.contracts.golden.shelf import (
    CLINIC,
    CLINIC_APPOINTMENT,
    CLINIC_WORKER,
    DESK,
    DESK_APPOINTMENT,
    DESK_WORKER,
    WARD,
    WARD_APPOINTMENT,
    WARD_WORKER,
    Shelf,
    at,
    ident,
)
from tsunagu_contracts import jose
from tsunagu_contracts.codes import DisputeGround, RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.events.audit import EvidenceOpened, EvidenceOpeningAsked, EvidenceRefused, EvidenceStored
from tsunagu_contracts.events.consent import RecordedBy, StatementEvidenced
from tsunagu_contracts.evidence import OPENED_SHARE_TYP, SHARE_TYP, Custodian, pass_share_on, seal_evidence
from tsunagu_contracts.manifests import (
    EvidenceGiven,
    ForEvidence,
    OpenEvidence,
    OpeningAsked,
    StoreEvidence,
    sign_manifest,
    verify_manifest,
)
from tsunagu_contracts.messages import AgencyMessage

EVIDENCE, DISPUTE, _OPENING = ident("evidence"), ident("dispute"), ident("opening")
_DESK = RecordedBy(agency_id=DESK, coordinator_id=DESK_WORKER, appointment_id=DESK_APPOINTMENT)
_WARD = RecordedBy(agency_id=WARD, coordinator_id=WARD_WORKER, appointment_id=WARD_APPOINTMENT)
_FORM = b"%PDF-1.7\n% an invented form of consent\n"


def evidence_is_kept_and_opened(shelf: Shelf) -> None:
    """Make or read what agencies, `audit` and `consent` say of it, and what stands in the shares."""
    keys = shelf.keys.encryption
    stored = AgencyMessage.parse(
        shelf.message(StoreEvidence.TYPE, lambda: _signed(shelf, _given(shelf)).to_bytes())
    ).manifest
    manifest = verify_manifest(stored, shelf.keys.of_signer(CLINIC), CLINIC)
    assert isinstance(manifest, StoreEvidence)
    given = manifest.data
    asked = AgencyMessage.parse(
        shelf.message(OpenEvidence.TYPE, lambda: _signed(shelf, _asked(shelf, given)).to_bytes())
    ).manifest
    asking = verify_manifest(asked, shelf.keys.of_signer(DESK), DESK)
    assert isinstance(asking, OpenEvidence)
    shelf.message("token.evidence_share", lambda: jose.unwrap(given.shares[0].share, keys[DESK], typ=SHARE_TYP))
    shelf.message("token.opened_share", lambda: jose.unwrap(asking.data.share, keys[WARD], typ=OPENED_SHARE_TYP))
    _audit_says(shelf, manifest, stored, asking, asked)
    evidenced = StatementEvidenced(
        record_id=ident("record with evidence"),
        number=4,
        statement_id=STATEMENT,
        referral_id=REFERRAL,
        evidence_id=EVIDENCE,
        digest=given.digest,
        recorded_at=at(71),
    )
    aggregate, cause = f"record:{evidenced.record_id}", Cause(f"evidence:{EVIDENCE}", 1)
    shelf.event(evidenced, aggregate, 4, 71, "system:consent", previous=b"the statement", cause=cause)


def _audit_says(shelf: Shelf, manifest: StoreEvidence, stored: str, asking: OpenEvidence, asked: str) -> None:
    given = manifest.data
    facts = given.model_dump(exclude={"shares"})
    kept = EvidenceStored(
        **facts,
        custodians=(DESK, WARD),
        recorded_by=RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT),
        stored_at=at(70),
        message_id=manifest.id,
        manifest=stored,
    )
    by_clinic, cause = f"coordinator:{CLINIC_WORKER}", Cause(f"appointment:{CLINIC_APPOINTMENT}", 1)
    shelf.event(kept, f"evidence:{EVIDENCE}", 1, 70, by_clinic, cause=cause, appointment=CLINIC_APPOINTMENT)
    about = {"opening_id": _OPENING, "evidence_id": EVIDENCE, "dispute_id": DISPUTE, "referral_id": REFERRAL}
    first = EvidenceOpeningAsked(
        **about,
        ground=asking.data.ground,
        asked_by=_DESK,
        asked_at=at(2000),
        message_id=asking.id,
        manifest=asked,
    )
    by_desk = f"coordinator:{DESK_WORKER}"
    shelf.event(first, f"opening:{_OPENING}", 1, 2000, by_desk, appointment=DESK_APPOINTMENT)
    refused = EvidenceRefused(
        attempt_id=ident("attempt"),
        agency_id=DESK,
        coordinator_id=DESK_WORKER,
        message_id=ident("message attempt"),
        kind=StoreEvidence.TYPE,
        digest=digest("the manifest that was refused"),
        code=RefusalCode.CUSTODIAN_NOT_ALLOWED,
        refused_at=at(69),
    )
    shelf.event(refused, f"attempt:{refused.attempt_id}", 1, 69, by_desk)
    opened = EvidenceOpened(**about, opened_to=(_DESK, _WARD), opened_at=at(2100))
    shelf.event(opened, f"opening:{_OPENING}", 3, 2100, "system:audit", previous=b"the other custodian asks")


def _given(shelf: Shelf) -> StoreEvidence:
    custodians = [Custodian(each, shelf.keys.encryption[each].public) for each in (DESK, WARD)]
    sealed = seal_evidence(CLINIC, _FORM, EVIDENCE, (custodians[0], custodians[1]))
    return StoreEvidence(
        id=ident("message evidence"),
        source=f"agency/{CLINIC}",
        time=at(70),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=EvidenceGiven(
            evidence_id=EVIDENCE,
            referral_id=REFERRAL,
            statement_id=STATEMENT,
            media_type=sealed.media_type,
            size=len(sealed.file),
            digest=digest(sealed.file),
            shares=sealed.shares,
        ),
    )


def _asked(shelf: Shelf, given: EvidenceGiven) -> OpenEvidence:
    keys = shelf.keys.encryption
    return OpenEvidence(
        id=ident("message opening"),
        source=f"agency/{DESK}",
        time=at(2000),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        data=OpeningAsked(
            evidence_id=EVIDENCE,
            dispute_id=DISPUTE,
            ground=DisputeGround.PERSON_DISPUTES,
            share=pass_share_on(given, DESK, keys[DESK], keys[WARD].public, DISPUTE),
        ),
    )


def _signed(shelf: Shelf, manifest: ForEvidence) -> AgencyMessage:
    return AgencyMessage(sign_manifest(manifest, shelf.keys.signing[manifest.agency_id]))
