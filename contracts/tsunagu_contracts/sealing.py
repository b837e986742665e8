"""Sealed sections: a body per category, and one capsule with their keys for the person's handle.

Who holds what (DESIGN section 5): the sender makes content keys and forgets them, `consent` opens
the capsule and never sees a body, and a recipient gets one content key with each release.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from tsunagu_contracts import jose
from tsunagu_contracts.codes import Category, RefusalCode
from tsunagu_contracts.encoding import digest, from_base64url, to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import SectionFacts
from tsunagu_contracts.keys import EncryptionKey, PublicKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.ports import Ids, RandomBytes
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.types import AgencyId, Digest, Frozen, Id

CAPSULE_TYP = "tsunagu-capsule"
PERSON_REF_TYP = "tsunagu-person-ref"
RELEASED_KEY_TYP = "tsunagu-released-key"

KeyText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""The 32 bytes of a key in base64url."""


class Secret(Frozen):
    """A value of which nothing may reach a log: neither its fields nor what was wrong with them."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def read(cls, plaintext: bytes) -> Self:
        """Read what `written` gave; refuses with `cannot_open` anything else."""
        try:
            return cls.model_validate(parse_object(plaintext))
        except (Refusal, ValidationError):
            raise Refusal(RefusalCode.CANNOT_OPEN) from None

    def written(self) -> bytes:
        """Return the JSON that is sealed."""
        return self.model_dump_json().encode("utf-8")


class CapsuleSection(Secret):
    """One section's content key (32 bytes, base64url), with what the manifest says of the section."""

    section_id: Id
    category: Category
    digest: Digest
    key: KeyText = Field(repr=False)

    @property
    def content_key(self) -> bytes:
        """The content key; refuses with `cannot_open` a spelling that is not canonical."""
        return read_key(self.key)


class Capsule(Secret):
    """What the handle's key opens: who sealed, and each section's content key."""

    sender: AgencyId
    sections: tuple[CapsuleSection, ...]


class PersonReference(Secret):
    """The sender's own opaque reference for the person; only `consent` reads it."""

    sender: AgencyId
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(repr=False)


class ReleasedKey(Secret):
    """The content key of one section as a release hands it to one agency."""

    release_id: Id
    referral_id: Id
    section_id: Id
    key: KeyText = Field(repr=False)

    @property
    def content_key(self) -> bytes:
        """The content key; refuses with `cannot_open` a spelling that is not canonical."""
        return read_key(self.key)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The sealed form of some sections: what goes into the manifest, and the bodies beside it."""

    sections: tuple[SectionFacts, ...]
    bodies: Mapping[str, str]
    capsule: str


def seal_sections(
    sender: str,
    contents: Mapping[Category, bytes],
    handle_key: PublicKey,
    ids: Ids,
    *,
    random: RandomBytes = secrets.token_bytes,
    limits: Limits = DEFAULT_LIMITS,
) -> Sealed:
    """Seal each category's content under a key of its own, and the keys to the handle.

    Refuses with `oversize` content whose body would exceed the limit (a body is about 4/3 of its content).
    """
    facts: list[SectionFacts] = []
    keys: list[CapsuleSection] = []
    bodies: dict[str, str] = {}
    for category, content in contents.items():
        section_id, content_key = ids.new(), random(jose.CONTENT_KEY_BYTES)
        body = jose.seal_body(content, content_key, section_id)
        if len(body) > limits.body:
            raise Refusal(RefusalCode.OVERSIZE, category=category.value)
        section = SectionFacts(section_id=section_id, category=category, digest=digest(body))
        facts.append(section)
        keys.append(CapsuleSection(**section.model_dump(), key=to_base64url(content_key)))
        bodies[section_id] = body
    capsule = Capsule(sender=sender, sections=tuple(keys))
    return Sealed(tuple(facts), bodies, seal_capsule(capsule, handle_key))


def seal_capsule(capsule: Capsule, handle_key: PublicKey) -> str:
    """Seal a capsule to the handle."""
    return jose.wrap(capsule.written(), handle_key, typ=CAPSULE_TYP)


def open_capsule(capsule: str, handle_key: EncryptionKey, *, limits: Limits = DEFAULT_LIMITS) -> Capsule:
    """Open a capsule with the handle's private key; codes as for `jose.unwrap`."""
    return Capsule.read(jose.unwrap(capsule, handle_key, typ=CAPSULE_TYP, limits=limits))


def check_capsule(sender: str, sections: Sequence[SectionFacts], capsule: Capsule) -> dict[str, RefusalCode | None]:
    """Compare an opened capsule with its manifest: what is wrong, per section of the manifest.

    A capsule of another sender, or one with sections that the manifest does not have, belongs to
    another manifest: then no section is valid. Whether a content key was seen in an earlier
    manifest only `consent` can know.
    """
    listed = {section.section_id for section in sections}
    if capsule.sender != sender:
        return dict.fromkeys(listed, RefusalCode.CAPSULE_SENDER_MISMATCH)
    if any(held.section_id not in listed for held in capsule.sections):
        return dict.fromkeys(listed, RefusalCode.CAPSULE_SECTION_MISMATCH)
    uses = Counter(held.key for held in capsule.sections)
    times_held = Counter(held.section_id for held in capsule.sections)
    held_by_id = {held.section_id: held for held in capsule.sections}
    findings: dict[str, RefusalCode | None] = {}
    for section in sections:
        held = held_by_id.get(section.section_id)
        if held is None or times_held[section.section_id] > 1 or section.section_id in findings:
            findings[section.section_id] = RefusalCode.CAPSULE_SECTION_MISMATCH
        else:
            findings[section.section_id] = _compare(section, held, uses[held.key])
    return findings


def _compare(section: SectionFacts, held: CapsuleSection, uses_of_key: int) -> RefusalCode | None:
    if held.category is not section.category:
        return RefusalCode.CAPSULE_CATEGORY_MISMATCH
    if held.digest != section.digest:
        return RefusalCode.CAPSULE_DIGEST_MISMATCH
    if uses_of_key > 1:
        return RefusalCode.CONTENT_KEY_REUSED
    try:
        from_base64url(held.key)
    except Refusal:
        # Two spellings of one key would pass for two keys.
        return RefusalCode.KEY_MALFORMED
    return None


def seal_person_ref(sender: str, reference: str, consent_key: PublicKey) -> str:
    """Seal an agency's own reference for a person to `consent`."""
    return jose.wrap(PersonReference(sender=sender, reference=reference).written(), consent_key, typ=PERSON_REF_TYP)


def open_person_ref(token: str, consent_key: EncryptionKey, sender: str, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the reference that this sender sealed; another's is refused with `sender_mismatch`."""
    opened = PersonReference.read(jose.unwrap(token, consent_key, typ=PERSON_REF_TYP, limits=limits))
    if opened.sender != sender:
        raise Refusal(RefusalCode.SENDER_MISMATCH)
    return opened.reference


def wrap_content_key(released: ReleasedKey, agency_key: PublicKey) -> str:
    """Seal a released content key to the agency's pinned encryption key."""
    return jose.wrap(released.written(), agency_key, typ=RELEASED_KEY_TYP)


def unwrap_content_key(token: str, agency_key: EncryptionKey, *, limits: Limits = DEFAULT_LIMITS) -> ReleasedKey:
    """Open a released content key; codes as for `jose.unwrap`."""
    return ReleasedKey.read(jose.unwrap(token, agency_key, typ=RELEASED_KEY_TYP, limits=limits))


def read_key(text: str) -> bytes:
    """Read a `KeyText`; refuses with `cannot_open` a spelling that is not canonical."""
    try:
        return from_base64url(text)
    except Refusal:
        raise Refusal(RefusalCode.CANNOT_OPEN) from None
