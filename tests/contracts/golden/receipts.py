"""A receipt in the story: issued, used by the person, and revoked; what stands in the token with its code."""

from tests.contracts.golden.messages import REFERRAL
from tests.contracts.golden.shelf import (
    CLINIC,
    CLINIC_APPOINTMENT,
    CLINIC_WORKER,
    DESK,
    Shelf,
    at,
    ident,
)
from tsunagu_contracts.codes import Category, Purpose
from tsunagu_contracts.events.consent import (
    ReceiptIssued,
    ReceiptRevoked,
    ReceiptViewLimited,
    RecordedBy,
    StatementWithdrawnByPerson,
)
from tsunagu_contracts.manifests import IssueReceipt, ReceiptLost, ReceiptWanted, RevokeReceipt, sign_manifest
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.receipts import CODE_LENGTH, PERMISSION_LENGTH, ReceiptCode, new_code

_RECEIPT, _RECORD = ident("receipt"), ident("record of a receipt")
_BY_CLINIC = {"source": f"agency/{CLINIC}", "actor": f"coordinator:{CLINIC_WORKER}", "appointment": CLINIC_APPOINTMENT}
_RECORDED_BY = RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT)


def receipts_tell(shelf: Shelf) -> None:
    """Make or read what is said of a receipt, on a record of its own."""
    issue = IssueReceipt.model_validate(
        {
            "id": ident("message receipt"),
            "time": at(70),
            "data": ReceiptWanted(receipt_id=_RECEIPT, referral_id=REFERRAL, hidden_categories=(Category.LEGAL,)),
            **_BY_CLINIC,
        }
    )
    lost = RevokeReceipt.model_validate(
        {
            "id": ident("message lost"),
            "time": at(90),
            "data": ReceiptLost(receipt_id=_RECEIPT, referral_id=REFERRAL),
            **_BY_CLINIC,
        }
    )
    issuing, revoking = _message(shelf, issue), _message(shelf, lost)
    aggregate, by_clinic = f"record:{_RECORD}", _BY_CLINIC["actor"]
    issued = ReceiptIssued(
        record_id=_RECORD,
        number=1,
        receipt_id=_RECEIPT,
        referral_id=REFERRAL,
        representative_id=None,
        hidden_categories=(Category.LEGAL,),
        hidden_agencies=(),
        issued_at=at(70),
        ends_at=at(70 + 365 * 24 * 60),
        recorded_by=_RECORDED_BY,
        message_id=issue.id,
        manifest=issuing.manifest,
    )
    first = shelf.event(issued, aggregate, 1, 70, by_clinic, appointment=CLINIC_APPOINTMENT)
    limited = ReceiptViewLimited(
        record_id=_RECORD,
        number=2,
        receipt_id=_RECEIPT,
        hidden_categories=(Category.FINANCE,),
        hidden_agencies=(DESK,),
        limited_at=at(75),
    )
    second = shelf.event(limited, aggregate, 2, 75, "person", previous=first)
    withdrawn = StatementWithdrawnByPerson(
        record_id=_RECORD,
        number=3,
        statement_id=ident("withdrawal by a receipt"),
        receipt_id=_RECEIPT,
        categories=(Category.CONTACT, Category.NARRATIVE),
        recipients=(DESK,),
        purposes=tuple(Purpose),
        recorded_at=at(80),
        representation=None,
    )
    third = shelf.event(withdrawn, aggregate, 3, 80, "person", previous=second)
    revoked = ReceiptRevoked(
        record_id=_RECORD,
        number=4,
        receipt_id=_RECEIPT,
        revoked_at=at(90),
        recorded_by=_RECORDED_BY,
        message_id=lost.id,
        manifest=revoking.manifest,
    )
    shelf.event(revoked, aggregate, 4, 90, by_clinic, previous=third, appointment=CLINIC_APPOINTMENT)
    shelf.message("token.receipt_code", lambda: _code().written())


def _message(shelf: Shelf, manifest: IssueReceipt | RevokeReceipt) -> AgencyMessage:
    def make() -> bytes:
        return AgencyMessage(sign_manifest(manifest, shelf.keys.signing[CLINIC])).to_bytes()

    return AgencyMessage.parse(shelf.message(manifest.TYPE, make))


def _code() -> ReceiptCode:
    return ReceiptCode(
        receipt_id=_RECEIPT,
        code=new_code(CODE_LENGTH, lambda size: bytes(range(size))),
        permission=new_code(PERMISSION_LENGTH, lambda size: bytes(range(size))),
    )
