"""Issuing and revoking receipts, at the word of an agency to which the person came."""

from dataclasses import dataclass, field
from datetime import datetime

from services import membership
from services.consent.domain.persons import Person
from services.consent.storage import persons, receipts, representatives
from services.consent.storage.receipts import Codes
from services.consent.use_cases import messages, records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import ReceiptIssued, ReceiptRevoked
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.manifests import IssueReceipt, RevokeReceipt
from tsunagu_contracts.receipts import CODE_LENGTH, PERMISSION_LENGTH, ReceiptCode, new_code, wrap_receipt_code


@dataclass(frozen=True, slots=True)
class Issued:
    """A receipt; its code is in memory only, and nowhere when the same message had been taken before."""

    receipt_id: str
    ends_at: datetime
    recipient_key: PublicKey
    code: ReceiptCode | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Revoked:
    """A receipt that opens nothing any more; `again` when it did not before."""

    receipt_id: str
    revoked_at: datetime
    again: bool


async def issue(work: Work, verified: Verified[IssueReceipt], custody: Custody) -> Issued:
    """Issue a receipt under the person's row lock; what is kept of its code are keyed hashes.

    The same message again changes nothing and gives no code. Refuses with `duplicate_id` (another message under a
    known id), the codes of `appointed` and `party_to`, `representative_unknown` (whom this agency has not recorded)
    and `representation_not_valid` (who may not speak now), and `clock_stepped_back`.
    """
    manifest, wanted = verified.manifest, verified.manifest.data
    await messages.appointed(work, manifest)
    _, record_id = await messages.party_to(work.session, wanted.referral_id, manifest.agency_id)
    agency = await membership.agency(work.session, manifest.agency_id)
    if agency is None:
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    group = await persons.lock_one(work.session, record_id)
    person = group.records[record_id]
    earlier = await receipts.earlier(work.session, wanted.receipt_id, manifest.agency_id, manifest.id)
    if earlier is not None:
        if not verified.says_the_same(earlier.manifest):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Issued(earlier.receipt_id, earlier.ends_at, agency.keys.encryption, None)
    recording = custody.recording(group)
    recording.check_clock()
    if wanted.representative is not None:
        spoken_for = await representatives.last(work.session, group.records, manifest.agency_id, wanted.representative)
        if spoken_for is None:
            raise Refusal(RefusalCode.REPRESENTATIVE_UNKNOWN)
        spoken_for.check_speaking((), (), recording.moment)
    issued = _issued(verified, person, recording.moment, custody)
    code = ReceiptCode(receipt_id=issued.receipt_id, code=new_code(CODE_LENGTH), permission=new_code(PERMISSION_LENGTH))
    lookup = custody.keys.lookup
    kept = Codes(
        lookup.of_receipt(code.code),
        lookup.of_permission(code.receipt_id, code.permission),
        recording.moment + custody.bounds.door.permission_lifetime,
    )
    await receipts.insert(work.session, issued, kept)
    persons.save(work, group.changed)
    emission = Emission(person.aggregate, issued, verified.actor, manifest.appointment)
    await records.say(work, [Saying(emission, issued.number)])
    return Issued(issued.receipt_id, issued.ends_at, agency.keys.encryption, code)


def hand_over(issued: Issued) -> str | None:
    """Wrap the code for the agency, once that has committed; None where it was handed over before."""
    return None if issued.code is None else wrap_receipt_code(issued.code, issued.recipient_key)


def _issued(verified: Verified[IssueReceipt], person: Person, at: datetime, custody: Custody) -> ReceiptIssued:
    """The receipt as it will be recorded; takes the person's next number, at this moment."""
    wanted = verified.manifest.data
    return ReceiptIssued(
        record_id=person.record_id,
        number=person.take_number(at),
        receipt_id=wanted.receipt_id,
        referral_id=wanted.referral_id,
        representative_id=wanted.representative,
        hidden_categories=wanted.hidden_categories or (),
        hidden_agencies=wanted.hidden_agencies or (),
        issued_at=at,
        ends_at=at + custody.bounds.door.receipt_lifetime,
        recorded_by=verified.recorded_by,
        message_id=verified.manifest.id,
        manifest=verified.token,
    )


async def revoke(work: Work, verified: Verified[RevokeReceipt], custody: Custody) -> Revoked:
    """Let a receipt open nothing any more, at the word of any agency to which the person is known.

    Refuses with the codes of `appointed` and `party_to`, and with `receipt_unknown` (also for another person's).
    """
    manifest, lost = verified.manifest, verified.manifest.data
    _, person, group = await messages.about(work, manifest, lost.referral_id)
    found = await receipts.find(work.session, lost.receipt_id)
    if found is None or found.record_id not in group.records:
        raise Refusal(RefusalCode.RECEIPT_UNKNOWN)
    if found.revoked_at is not None:
        return Revoked(lost.receipt_id, found.revoked_at, again=True)
    at = custody.recording(group).moment
    revoked = ReceiptRevoked(
        record_id=person.record_id,
        number=person.take_number(at),
        receipt_id=lost.receipt_id,
        revoked_at=at,
        recorded_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await receipts.revoke(work.session, revoked)
    persons.save(work, group.changed)
    emission = Emission(person.aggregate, revoked, verified.actor, manifest.appointment)
    await records.say(work, [Saying(emission, revoked.number)])
    return Revoked(lost.receipt_id, at, again=False)
