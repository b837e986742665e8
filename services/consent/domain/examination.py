"""What a manifest's seals hold: checked again here, because consent relies on them and on no one's word."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.lookups import LookupKey
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import ReferralSubmitted, SectionFacts
from tsunagu_contracts.handles import verify_handle
from tsunagu_contracts.keys import EncryptionKey, PublicKey
from tsunagu_contracts.manifests import SubmitReferral, ToAgency, verify_manifest
from tsunagu_contracts.sealing import check_capsule, open_capsule, open_person_ref


@dataclass(frozen=True, slots=True)
class Claim:
    """What a valid manifest claims: a handle, a person by the sender's own reference, and a capsule to open."""

    referral_id: str
    handle_id: str
    sender: str
    reference_hash: str
    sections: tuple[SectionFacts, ...]
    capsule: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What the capsule holds against its manifest: per section its fault, and every content key by keyed hash."""

    faults: Mapping[str, RefusalCode | None]
    key_hashes: Mapping[str, str]


def read_claim(
    said: ReferralSubmitted,
    arrived: datetime,
    signing_key: PublicKey | None,
    trust_key: PublicKey,
    person_ref_key: EncryptionKey,
    lookup: LookupKey,
) -> Claim:
    """Verify the sender's manifest inside a `referral.submitted`, its handle and its person reference.

    `signing_key` is the sender's pinned key. The handle must not have expired when the message arrived.
    Refuses with the codes of `verify_manifest`, `verify_handle` and `open_person_ref`, with
    `agency_unknown`, and with `invalid_content` where the event says anything else than the manifest.
    """
    if signing_key is None:
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    manifest = verify_manifest(said.manifest, signing_key, said.sender)
    if not isinstance(manifest, SubmitReferral):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="type")
    _compare(said, manifest)
    handle = verify_handle(manifest.data.handle, trust_key, arrived, said.sender)
    if handle.handle_id != said.handle_id:
        raise Refusal(RefusalCode.INVALID_CONTENT, where="handle_id")
    reference = open_person_ref(manifest.data.person_ref, person_ref_key, said.sender)
    return Claim(
        said.referral_id,
        said.handle_id,
        said.sender,
        lookup.of_person(said.sender, reference),
        manifest.data.sections,
        manifest.data.capsule,
    )


def _compare(said: ReferralSubmitted, manifest: SubmitReferral) -> None:
    """The event's facts are another service's words; whatever consent relies on must be the sender's."""
    signed = manifest.data
    pairs = {
        "message_id": (said.message_id, manifest.id),
        "referral_id": (said.referral_id, signed.referral_id),
        "purpose": (said.purpose, signed.purpose),
        "sections": (said.sections, signed.sections),
    }
    if isinstance(signed.to, ToAgency):
        pairs["addressee"] = (said.addressee, signed.to.agency)
    for where, (told, meant) in pairs.items():
        if told != meant:
            raise Refusal(RefusalCode.INVALID_CONTENT, where=where)


def open_and_compare(claim: Claim, handle_key: EncryptionKey | None, lookup: LookupKey) -> Findings:
    """Open the capsule and compare it with the manifest.

    A capsule that cannot be opened makes every section invalid for that reason; a handle whose key is not
    kept is `handle_unknown`.
    """
    listed = [section.section_id for section in claim.sections]
    if handle_key is None:
        return Findings(dict.fromkeys(listed, RefusalCode.HANDLE_UNKNOWN), {})
    try:
        capsule = open_capsule(claim.capsule, handle_key)
    except Refusal as refusal:
        return Findings(dict.fromkeys(listed, refusal.code), {})
    faults = check_capsule(claim.sender, claim.sections, capsule)
    hashes = {
        held.section_id: lookup.of_content_key(held.content_key)
        for held in capsule.sections
        if faults.get(held.section_id, RefusalCode.CAPSULE_SECTION_MISMATCH) in (None, RefusalCode.CONTENT_KEY_REUSED)
    }
    return Findings(faults, hashes)


def content_key_of(referral_sender: str, section: SectionFacts, capsule: str, handle_key: EncryptionKey) -> bytes:
    """Open the capsule for one section's content key; refuses what does not match the section any more."""
    opened = open_capsule(capsule, handle_key)
    if opened.sender != referral_sender:
        raise Refusal(RefusalCode.CAPSULE_SENDER_MISMATCH)
    held = [each for each in opened.sections if each.section_id == section.section_id]
    if len(held) != 1 or (held[0].category, held[0].digest) != (section.category, section.digest):
        raise Refusal(RefusalCode.CAPSULE_SECTION_MISMATCH)
    return held[0].content_key
