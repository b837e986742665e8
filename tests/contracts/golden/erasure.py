"""What is said when a person is erased."""

from tests.contracts.golden.messages import REFERRAL
from tests.contracts.golden.shelf import (
    CLINIC,
    CLINIC_APPOINTMENT,
    CLINIC_WORKER,
    Shelf,
    at,
    ident,
)
from tsunagu_contracts.codes import Language, StatementMethod
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.events.consent import RecordedBy, RecordErased
from tsunagu_contracts.manifests import ErasePerson, ErasureAsked, Notice, sign_manifest
from tsunagu_contracts.messages import AgencyMessage


def a_person_is_erased(shelf: Shelf) -> None:
    """Make or read the clinic's message, and what consent says of it, here as the first thing of a record."""
    message = AgencyMessage.parse(shelf.message(ErasePerson.TYPE, lambda: AgencyMessage(_erase(shelf)).to_bytes()))
    record_id = ident("record erased")
    erased = RecordErased(
        record_id=record_id,
        number=1,
        erasure_id=ident("erasure"),
        referral_id=REFERRAL,
        handle_ids=(ident("handle"),),
        how=StatementMethod.WRITTEN,
        stated_at=at(995),
        erased_at=at(1000),
        recorded_by=RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT),
        message_id=ident("message erasure"),
        manifest=message.manifest,
    )
    by_clinic = f"coordinator:{CLINIC_WORKER}"
    shelf.event(erased, f"record:{record_id}", 1, 1000, by_clinic, appointment=CLINIC_APPOINTMENT)


def _erase(shelf: Shelf) -> str:
    manifest = ErasePerson(
        id=ident("message erasure"),
        source=f"agency/{CLINIC}",
        time=at(1000),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=ErasureAsked(
            erasure_id=ident("erasure"),
            referral_id=REFERRAL,
            how=StatementMethod.WRITTEN,
            notice=Notice(version="2026-04", language=Language.JA, hash=digest("見本の説明文書")),
            stated_at=at(995),
        ),
    )
    return sign_manifest(manifest, shelf.keys.signing[CLINIC])
