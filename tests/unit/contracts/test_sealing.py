from dataclasses import replace

import pytest

from tests.builders.agency_messages import CONTENTS, IDS, Consent, SendingAgency
from tsunagu_contracts import jose
from tsunagu_contracts.codes import Category, RefusalCode
from tsunagu_contracts.encoding import digest, to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import SectionFacts
from tsunagu_contracts.keys import EncryptionKey
from tsunagu_contracts.limits import Limits
from tsunagu_contracts.sealing import (
    CAPSULE_TYP,
    Capsule,
    CapsuleSection,
    ReleasedKey,
    check_capsule,
    open_capsule,
    open_person_ref,
    seal_capsule,
    seal_person_ref,
    seal_sections,
    unwrap_content_key,
    wrap_content_key,
)

CONSENT = Consent()
CLINIC = SendingAgency()
HANDLE = CONSENT.handle_for(CLINIC.id)
SEALED = CLINIC.seal(HANDLE)
CAPSULE = open_capsule(SEALED.capsule, HANDLE.key)
FIRST, SECOND = CAPSULE.sections[:2]


def changed(position: int, **change: object) -> Capsule:
    """The clinic's capsule with one section changed."""
    sections = list(CAPSULE.sections)
    sections[position] = CapsuleSection.model_validate(sections[position].model_dump() | change)
    return Capsule(sender=CAPSULE.sender, sections=tuple(sections))


def findings(capsule: Capsule, sections: tuple[SectionFacts, ...] = SEALED.sections) -> list[RefusalCode | None]:
    """What is found about each section of the clinic's manifest, in its order."""
    found = check_capsule(CLINIC.id, sections, capsule)
    return [found[section.section_id] for section in sections]


def test_sections_open_with_the_keys_of_their_capsule() -> None:
    """What was sealed comes back, each section with its own key, and the capsule agrees with the manifest."""
    opened = {
        held.category: jose.open_body(SEALED.bodies[held.section_id], held.content_key, held.section_id)
        for held in CAPSULE.sections
    }
    assert opened == CONTENTS
    assert findings(CAPSULE) == [None, None, None, None]


def test_every_section_has_a_key_and_an_id_of_its_own() -> None:
    """Sealing the same content twice gives other ids, other keys and other bodies."""
    again = open_capsule(CLINIC.seal(HANDLE).capsule, HANDLE.key)
    everything = [*CAPSULE.sections, *again.sections]
    assert len({held.key for held in everything}) == len({held.section_id for held in everything}) == 8
    assert len({held.digest for held in everything}) == 8


def test_the_digest_is_over_the_compact_serialisation() -> None:
    """A section's digest is the SHA-256 of its body exactly as it travels."""
    assert [section.digest for section in SEALED.sections] == [digest(body) for body in SEALED.bodies.values()]


def test_a_capsule_opens_for_its_handle_only() -> None:
    """Another handle's key opens nothing."""
    with pytest.raises(Refusal) as caught:
        open_capsule(SEALED.capsule, CONSENT.handle_for(CLINIC.id).key)
    assert caught.value.code is RefusalCode.UNKNOWN_KEY


def test_a_capsule_of_another_manifest_makes_every_section_invalid() -> None:
    """A capsule taken from another manifest of the same sender fits no section."""
    other = open_capsule(CLINIC.seal(HANDLE).capsule, HANDLE.key)
    assert findings(other) == [RefusalCode.CAPSULE_SECTION_MISMATCH] * 4


def test_a_capsule_of_another_sender_makes_every_section_invalid() -> None:
    """A capsule that another agency sealed is worth nothing in one's own manifest."""
    lifted = Capsule(sender="minato-school-b", sections=CAPSULE.sections)
    assert findings(lifted) == [RefusalCode.CAPSULE_SENDER_MISMATCH] * 4


def test_another_category_in_the_capsule_makes_that_section_invalid() -> None:
    """A section cannot be listed as contact and opened as health."""
    mislabelled = changed(1, category=Category.HEALTH)
    assert findings(mislabelled) == [None, RefusalCode.CAPSULE_CATEGORY_MISMATCH, None, None]


def test_another_digest_in_the_capsule_makes_that_section_invalid() -> None:
    """The capsule speaks of exactly the body that the manifest lists."""
    swapped = changed(0, digest=SECOND.digest)
    assert findings(swapped) == [RefusalCode.CAPSULE_DIGEST_MISMATCH, None, None, None]


def test_a_section_missing_from_the_capsule_is_invalid() -> None:
    """A section whose key the capsule does not hold is invalid; the others stand."""
    short = Capsule(sender=CLINIC.id, sections=CAPSULE.sections[1:])
    assert findings(short) == [RefusalCode.CAPSULE_SECTION_MISMATCH, None, None, None]


def test_a_section_that_the_manifest_does_not_list_makes_every_section_invalid() -> None:
    """A capsule that holds more than its manifest belongs to another one."""
    renamed = changed(0, section_id=IDS.new())
    assert findings(renamed) == [RefusalCode.CAPSULE_SECTION_MISMATCH] * 4


def test_a_section_held_twice_is_invalid() -> None:
    """Of two entries for one section neither counts."""
    doubled = Capsule(sender=CLINIC.id, sections=(*CAPSULE.sections, FIRST))
    assert findings(doubled) == [RefusalCode.CAPSULE_SECTION_MISMATCH, None, None, None]


def test_one_content_key_for_two_sections_makes_both_invalid() -> None:
    """Whoever got the key of the one could read the other, so neither opens."""
    shared = changed(0, key=SECOND.key)
    assert findings(shared) == [RefusalCode.CONTENT_KEY_REUSED, RefusalCode.CONTENT_KEY_REUSED, None, None]


def test_a_second_spelling_of_a_content_key_is_invalid() -> None:
    """A key in a spelling that is not canonical would pass for another key."""
    last = FIRST.key[-1]
    spelled = FIRST.key[:-1] + chr(ord(last) + 1)
    assert findings(changed(0, key=spelled))[0] is RefusalCode.KEY_MALFORMED


@pytest.mark.parametrize(
    "plaintext",
    [b"", b"{}", b"[]", b"\xff", b'{"sender":"a-b"}', b'{"sender":"a-b","sender":"a-b","sections":[]}'],
)
def test_a_capsule_with_other_content_does_not_open(plaintext: bytes) -> None:
    """A capsule that is sealed rightly and holds something else is refused."""
    with pytest.raises(Refusal) as caught:
        open_capsule(jose.wrap(plaintext, HANDLE.key.public, typ=CAPSULE_TYP), HANDLE.key)
    assert caught.value.code is RefusalCode.CANNOT_OPEN


def test_a_capsule_prints_no_key() -> None:
    """The repr of a capsule shows ids and digests, never a content key."""
    assert FIRST.key not in repr(CAPSULE)
    assert FIRST.section_id in repr(CAPSULE)


def test_content_too_large_to_travel_is_refused_when_it_is_sealed() -> None:
    """The sealer is told which category is too large before anything leaves."""
    with pytest.raises(Refusal) as caught:
        seal_sections(CLINIC.id, CONTENTS, HANDLE.key.public, IDS, limits=replace(Limits(), body=50))
    assert caught.value.code is RefusalCode.OVERSIZE
    assert caught.value.detail == {"category": "identity"}


def test_randomness_and_ids_come_through_ports() -> None:
    """With given randomness and ids the content keys and section ids are the given ones."""

    class Counting:
        count = 0

        def new(self) -> str:
            self.count += 1
            return f"s-{self.count}"

    sealed = seal_sections(
        CLINIC.id, {Category.CONTACT: b"x"}, HANDLE.key.public, Counting(), random=lambda size: b"k" * size
    )
    held = open_capsule(sealed.capsule, HANDLE.key).sections[0]
    assert (held.section_id, held.key) == ("s-1", to_base64url(b"k" * 32))


def test_a_released_key_opens_for_its_agency_only() -> None:
    """The wrapped content key opens with the agency's key, and names its release, referral and section."""
    released = ReleasedKey(release_id="r-1", referral_id="f-1", section_id=FIRST.section_id, key=FIRST.key)
    token = wrap_content_key(released, CLINIC.encryption.public)
    assert unwrap_content_key(token, CLINIC.encryption) == released
    assert unwrap_content_key(token, CLINIC.encryption).content_key == FIRST.content_key
    with pytest.raises(Refusal) as caught:
        unwrap_content_key(token, EncryptionKey.generate())
    assert caught.value.code is RefusalCode.UNKNOWN_KEY


def test_a_capsule_is_not_taken_for_a_released_key() -> None:
    """A token sealed for one purpose to a key is refused for another."""
    token = seal_capsule(CAPSULE, CLINIC.encryption.public)
    with pytest.raises(Refusal) as caught:
        unwrap_content_key(token, CLINIC.encryption)
    assert caught.value.code is RefusalCode.HEADER_NOT_ALLOWED


def test_a_persons_reference_is_its_senders() -> None:
    """`consent` reads the reference, and refuses it under another agency's name."""
    token = seal_person_ref(CLINIC.id, "カルテ-1234", CONSENT.encryption.public)
    assert open_person_ref(token, CONSENT.encryption, CLINIC.id) == "カルテ-1234"
    with pytest.raises(Refusal) as caught:
        open_person_ref(token, CONSENT.encryption, "minato-school-b")
    assert caught.value.code is RefusalCode.SENDER_MISMATCH
