import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.agency_messages import IDS, NOW, Consent, SendingAgency
from tests.unit.contracts.forging import change_one_character
from tsunagu_contracts import jose
from tsunagu_contracts.assertions import claimed_issuer, sign_assertion, verify_assertion
from tsunagu_contracts.codes import Category
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.handles import verify_certificate
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.manifests import claimed_ids
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.sealing import (
    check_capsule,
    open_capsule,
    open_person_ref,
    seal_person_ref,
    seal_sections,
)

CONSENT = Consent()
CLINIC = SendingAgency()
HANDLE = CONSENT.handle_for(CLINIC.id)
SEALED = CLINIC.seal(HANDLE)
MESSAGE = CLINIC.message(CLINIC.submission(HANDLE, SEALED, CONSENT.encryption.public), SEALED)
RAW = MESSAGE.to_bytes()
CAPSULE = open_capsule(SEALED.capsule, HANDLE.key)
HELD = CAPSULE.sections[0]
PERSON_REF = seal_person_ref(CLINIC.id, "karte-1", CONSENT.encryption.public)
ASSERTION = sign_assertion(CLINIC.id, f"system:{CLINIC.id}", CLINIC.signing, now=NOW, ids=IDS)

positions = st.integers(0, 1 << 20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
segments = st.binary(max_size=80).map(to_base64url)


@st.composite
def tokens(draw: st.DrawFn) -> str:
    """Text that looks more or less like a token: real headers, near headers, any headers, any parts."""
    real: list[dict[str, object]] = [
        {"alg": "ES256", "kid": CLINIC.signing.public.kid, "typ": "tsunagu-manifest"},
        {"alg": "ES256", "kid": CONSENT.signing.public.kid, "typ": "tsunagu-handle"},
        {"alg": "dir", "enc": "A256GCM", "kid": HELD.section_id},
        {
            "alg": "ECDH-ES+A256KW",
            "enc": "A256GCM",
            "kid": HANDLE.key.public.kid,
            "typ": "tsunagu-capsule",
            "epk": {name: HANDLE.key.public.jwk()[name] for name in ("kty", "crv", "x", "y")},
        },
    ]
    header = dict(draw(st.sampled_from(real)))
    for name in draw(st.lists(st.sampled_from(["alg", "enc", "kid", "typ", "epk", "zip", "crit", "b64"]), max_size=2)):
        header[name] = draw(json_values)
    first = draw(st.just(to_base64url(json.dumps(header).encode())) | segments)
    parts = draw(st.lists(segments | st.text(max_size=5), min_size=2, max_size=5))
    return ".".join([first, *parts])


def read_everything(token: str) -> None:
    """Offer a token to every reader that there is."""
    readers: list[Callable[[], object]] = [
        lambda: AgencyMessage(token).verify(CLINIC.signing.public, CLINIC.id),
        lambda: verify_certificate(token, CONSENT.signing.public, NOW, CLINIC.id),
        lambda: open_capsule(token, HANDLE.key),
        lambda: open_person_ref(token, CONSENT.encryption, CLINIC.id),
        lambda: jose.open_body(token, HELD.content_key, HELD.section_id),
        lambda: verify_assertion(token, CLINIC.signing.public, CLINIC.id, NOW),
        lambda: jose.kid_of(token),
        lambda: claimed_issuer(token),
    ]
    for read in readers:
        try:
            read()
        except Refusal:
            continue
    claimed_ids(token)


@given(st.dictionaries(st.sampled_from(Category), st.binary(max_size=300), min_size=1))
@settings(max_examples=50)
def test_whatever_is_sealed_opens_again(contents: dict[Category, bytes]) -> None:
    """Any content of any categories comes back, and its capsule agrees with its manifest."""
    sealed = seal_sections(CLINIC.id, contents, HANDLE.key.public, IDS)
    capsule = open_capsule(sealed.capsule, HANDLE.key)
    opened = {
        held.category: jose.open_body(sealed.bodies[held.section_id], held.content_key, held.section_id)
        for held in capsule.sections
    }
    assert opened == contents
    assert set(check_capsule(CLINIC.id, sealed.sections, capsule).values()) == {None}


@given(positions, positions)
@settings(max_examples=300)
def test_a_manifest_with_any_one_character_changed_is_refused(position: int, step: int) -> None:
    """Header, payload or signature: no character of a manifest can be another one."""
    changed = change_one_character(MESSAGE.manifest, position, step)
    with pytest.raises(Refusal):
        AgencyMessage(changed, SEALED.bodies).verify(CLINIC.signing.public, CLINIC.id)


@given(positions, positions)
@settings(max_examples=200)
def test_a_capsule_with_any_one_character_changed_is_refused(position: int, step: int) -> None:
    """No character of a capsule can be another one."""
    with pytest.raises(Refusal):
        open_capsule(change_one_character(SEALED.capsule, position, step), HANDLE.key)


@given(positions, positions)
@settings(max_examples=200)
def test_a_body_with_any_one_character_changed_is_refused(position: int, step: int) -> None:
    """No character of a body can be another one, for whoever holds its key."""
    changed = change_one_character(SEALED.bodies[HELD.section_id], position, step)
    with pytest.raises(Refusal):
        jose.open_body(changed, HELD.content_key, HELD.section_id)


@given(positions, positions)
@settings(max_examples=200)
def test_a_certificate_or_assertion_with_any_one_character_changed_is_refused(position: int, step: int) -> None:
    """No character of a handle's certificate or of an assertion can be another one."""
    certificate = change_one_character(HANDLE.certificate, position, step)
    with pytest.raises(Refusal):
        verify_certificate(certificate, CONSENT.signing.public, NOW, CLINIC.id)
    assertion = change_one_character(ASSERTION, position, step)
    with pytest.raises(Refusal):
        verify_assertion(assertion, CLINIC.signing.public, CLINIC.id, NOW)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_a_message_with_any_one_byte_changed_is_refused(position: int, difference: int) -> None:
    """No byte of a message can be another one without the message being refused."""
    changed = RAW[:position] + bytes([RAW[position] ^ difference]) + RAW[position + 1 :]
    with pytest.raises(Refusal):
        AgencyMessage.parse(changed).verify(CLINIC.signing.public, CLINIC.id)


@given(tokens())
@settings(max_examples=400)
def test_no_token_raises_anything_but_a_refusal(token: str) -> None:
    """Whatever stands in a token's header and parts, every reader answers or refuses with a code."""
    read_everything(token)


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    """Arbitrary text is refused by every reader, with a code."""
    read_everything(text)


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300)
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    """Arbitrary bytes, and arbitrary JSON, are refused as a message with a code."""
    with pytest.raises(Refusal):
        AgencyMessage.parse(raw).verify(CLINIC.signing.public, CLINIC.id)


@given(json_values)
@settings(max_examples=200)
def test_no_manifest_content_raises_anything_but_a_refusal(value: object) -> None:
    """A manifest that is signed rightly and says anything at all is refused with a code."""
    token = jose.sign(json.dumps(value).encode(), CLINIC.signing, typ="tsunagu-manifest")
    with pytest.raises(Refusal):
        AgencyMessage(token).verify(CLINIC.signing.public, CLINIC.id)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "use", "kid", "d"]), json_values))
@settings(max_examples=200)
def test_no_key_raises_anything_but_a_refusal(jwk: dict[str, object]) -> None:
    """A JWK of any content is refused with a code."""
    with pytest.raises(Refusal):
        PublicKey.from_jwk(HANDLE.key.public.jwk() | jwk if jwk else {})
