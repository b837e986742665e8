import json
from dataclasses import replace

import pytest
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk as jwcrypto_jwk

from tests.builders.agency_messages import Consent, SendingAgency
from tests.unit.contracts.forging import change_one_character
from tsunagu_contracts import jose
from tsunagu_contracts.codes import Category, ReferralAct, RefusalCode, StatementKind
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey
from tsunagu_contracts.limits import Limits
from tsunagu_contracts.manifests import (
    MANIFEST_TYP,
    ActOnReferral,
    SubmitReferral,
    claimed_ids,
    verify_manifest,
)
from tsunagu_contracts.messages import AgencyMessage

CONSENT = Consent()
CLINIC = SendingAgency()
SCHOOL = SendingAgency(id="minato-school-b")
HANDLE = CONSENT.handle_for(CLINIC.id)
SEALED = CLINIC.seal(HANDLE)
SUBMISSION = CLINIC.submission(HANDLE, SEALED, CONSENT.encryption.public)
MESSAGE = CLINIC.message(SUBMISSION, SEALED)
BODIES = dict(SEALED.bodies)
FIRST, SECOND = list(BODIES)[:2]


def refused(
    message: AgencyMessage | bytes, sender: SendingAgency = CLINIC, limits: Limits | None = None
) -> RefusalCode:
    """The code with which a message on this agency's topic is refused."""
    raw = message if isinstance(message, bytes) else message.to_bytes()
    with pytest.raises(Refusal) as caught:
        AgencyMessage.parse(raw, limits or Limits()).verify(sender.signing.public, sender.id, limits or Limits())
    return caught.value.code


def signed(content: object) -> AgencyMessage:
    """A message whose manifest the clinic signed, whatever it says."""
    return AgencyMessage(jose.sign(json.dumps(content).encode(), CLINIC.signing, typ=MANIFEST_TYP))


def said(**change: object) -> dict[str, object]:
    """What a proper act of the clinic says, with members changed."""
    content: dict[str, object] = CLINIC.act("f-1", ReferralAct.ACCEPT).model_dump(mode="json", exclude_none=True)
    return content | change


def test_a_message_arrives_as_it_was_sent() -> None:
    """A message survives its bytes, and its manifest says who sent it, in whose name and what."""
    arrived = AgencyMessage.parse(MESSAGE.to_bytes()).verify(CLINIC.signing.public, CLINIC.id)
    assert arrived == SUBMISSION
    assert (arrived.agency_id, arrived.coordinator_id) == (CLINIC.id, "c-0001")


def test_acts_and_statements_travel_in_the_same_form() -> None:
    """An act and a statement are manifests without bodies."""
    act = CLINIC.act("f-1", ReferralAct.ACCEPT)
    word = CLINIC.statement("f-1", StatementKind.GRANT, Category.CONTACT)
    for manifest in (act, word):
        raw = CLINIC.message(manifest).to_bytes()
        assert AgencyMessage.parse(raw).verify(CLINIC.signing.public, CLINIC.id) == manifest


def test_a_manifest_changed_by_one_byte_is_refused() -> None:
    """Any change in what was signed breaks the signature."""
    header, payload, signature = MESSAGE.manifest.split(".")
    changed = ".".join([header, change_one_character(payload, 200, 1).replace(".", "A"), signature])
    assert refused(replace(MESSAGE, manifest=changed)) is RefusalCode.SIGNATURE_INVALID


def test_a_manifest_signed_by_another_agency_is_refused() -> None:
    """Another agency's signature is not this agency's, whatever the manifest says of its source."""
    forged = SCHOOL.message(SUBMISSION, SEALED)
    assert refused(forged, CLINIC) is RefusalCode.UNKNOWN_KEY


def test_a_message_on_another_agencys_topic_is_refused() -> None:
    """What one agency signed does not count on the topic of another."""
    assert refused(MESSAGE, SCHOOL) is RefusalCode.UNKNOWN_KEY


def test_an_agency_cannot_sign_in_anothers_name() -> None:
    """A manifest with another agency as its source is refused, though the signature is right."""
    assert refused(SCHOOL.message(SUBMISSION, SEALED), SCHOOL) is RefusalCode.SENDER_MISMATCH


def test_a_changed_body_is_refused() -> None:
    """A body that is not the one whose digest was signed is refused."""
    other = jose.seal_body(b"something else", bytes(32), FIRST)
    swapped = replace(MESSAGE, bodies=BODIES | {FIRST: other})
    assert refused(swapped) is RefusalCode.DIGEST_MISMATCH


def test_bodies_cannot_change_places() -> None:
    """A body stands under its own section's id."""
    swapped = BODIES | {FIRST: SEALED.bodies[SECOND], SECOND: SEALED.bodies[FIRST]}
    assert refused(replace(MESSAGE, bodies=swapped)) is RefusalCode.HEADER_NOT_ALLOWED


def test_a_missing_body_is_refused() -> None:
    """Every section that the manifest lists comes with its body."""
    fewer = {section_id: body for section_id, body in SEALED.bodies.items() if section_id != FIRST}
    assert refused(replace(MESSAGE, bodies=fewer)) is RefusalCode.BODY_MISSING


def test_an_unlisted_body_is_refused() -> None:
    """Nothing travels beside the manifest that it does not list, with a referral or with an act."""
    extra = BODIES | {"s-9": jose.seal_body(b"x", bytes(32), "s-9")}
    assert refused(replace(MESSAGE, bodies=extra)) is RefusalCode.BODY_UNEXPECTED
    act = CLINIC.message(CLINIC.act("f-1", ReferralAct.ACCEPT), SEALED)
    assert refused(act) is RefusalCode.BODY_UNEXPECTED


def test_a_section_that_is_no_jwe_is_refused() -> None:
    """Plain text where a sealed body should be is refused."""
    plain = BODIES | {FIRST: "通院中です"}
    assert refused(replace(MESSAGE, bodies=plain)) is RefusalCode.TOKEN_MALFORMED


def test_a_body_wrapped_to_a_key_instead_of_sealed_is_refused() -> None:
    """A body that the sender encrypted to some key of its own choosing is not of the profile."""
    wrapped = jose.wrap(b"x", EncryptionKey.generate().public, typ="t")
    assert refused(replace(MESSAGE, bodies=BODIES | {FIRST: wrapped})) is RefusalCode.ALGORITHM_NOT_ALLOWED


@pytest.mark.parametrize("as_text", [True, False])
def test_a_body_to_a_second_recipient_is_refused(as_text: bool) -> None:
    """JSON serialisation, with which a body could have a second reader, is refused as object and as text."""
    general = jwcrypto_jwe.JWE(b"x", json.dumps({"enc": "A256GCM"}))
    for key in (EncryptionKey.generate(), EncryptionKey.generate()):
        recipient = jwcrypto_jwk.JWK(**key.public.jwk())
        general.add_recipient(recipient, header=json.dumps({"alg": "ECDH-ES+A256KW"}))
    body = general.serialize() if as_text else json.loads(general.serialize())
    raw = json.dumps({"manifest": MESSAGE.manifest, "bodies": BODIES | {FIRST: body}}).encode()
    assert refused(raw) is RefusalCode.JSON_SERIALISATION


def test_a_manifest_in_json_serialisation_is_refused() -> None:
    """A manifest is one compact JWS; several signatures in JSON are not accepted."""
    protected, payload, signature = MESSAGE.manifest.split(".")
    jws = {"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}
    raw = json.dumps({"manifest": jws, "bodies": dict(SEALED.bodies)}).encode()
    assert refused(raw) is RefusalCode.JSON_SERIALISATION


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", RefusalCode.MALFORMED_JSON),
        (b"{", RefusalCode.MALFORMED_JSON),
        (b"[]", RefusalCode.MALFORMED_JSON),
        (b"null", RefusalCode.MALFORMED_JSON),
        (b"\xff\xfe{}", RefusalCode.NOT_UTF8),
        ('{"manifest":"a.b.c"}'.encode("utf-16"), RefusalCode.NOT_UTF8),
        (b'{"manifest":"a","manifest":"b"}', RefusalCode.MALFORMED_JSON),
        (b'{"manifest":"a.b.c","bodies":{"s":"a","s":"b"}}', RefusalCode.MALFORMED_JSON),
        (b'{"manifest":NaN}', RefusalCode.MALFORMED_JSON),
        (b'{"manifest":"\\ud800"}', RefusalCode.MALFORMED_JSON),
        (b'{"bodies":' + b"[" * 200_000 + b"]" * 200_000 + b"}", RefusalCode.MALFORMED_JSON),
        (b'{"n":' + b"9" * 10_000 + b"}", RefusalCode.MALFORMED_JSON),
        (b"{}", RefusalCode.INVALID_CONTENT),
        (b'{"manifest":7}', RefusalCode.INVALID_CONTENT),
        (b'{"manifest":"a.b.c","bodies":[]}', RefusalCode.INVALID_CONTENT),
        (b'{"manifest":"a.b.c","bodies":{"s":7}}', RefusalCode.INVALID_CONTENT),
        (b'{"manifest":"a.b"}', RefusalCode.TOKEN_MALFORMED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bytes_that_are_no_message_get_a_stable_code(raw: bytes, code: RefusalCode) -> None:
    """Each kind of malformed bytes has its own code."""
    assert refused(raw) is code


def test_an_oversize_message_is_refused_before_it_is_read() -> None:
    """Size comes first, even for bytes that are not JSON."""
    assert refused(b"\xff" * (Limits().message + 1)) is RefusalCode.OVERSIZE


def test_an_oversize_body_is_refused() -> None:
    """A body over its own limit is refused though the message is within its limit."""
    large = BODIES | {FIRST: SEALED.bodies[FIRST] + "A" * Limits().body}
    assert refused(replace(MESSAGE, bodies=large)) is RefusalCode.OVERSIZE


def test_too_many_sections_are_refused() -> None:
    """A manifest lists no more sections than the network allows."""
    assert refused(MESSAGE, limits=Limits(sections=3)) is RefusalCode.OVERSIZE


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "agency.referral.dance.v1"}, RefusalCode.UNKNOWN_TYPE),
        ({"type": "referral.accepted.v1"}, RefusalCode.UNKNOWN_TYPE),
        ({"type": None}, RefusalCode.UNKNOWN_TYPE),
        ({"type": ["agency.referral.act.v1"]}, RefusalCode.UNKNOWN_TYPE),
        ({"type": "agency.referral.act.v2"}, RefusalCode.UNKNOWN_VERSION),
        ({"specversion": "0.3"}, RefusalCode.INVALID_CONTENT),
        ({"id": "../../etc"}, RefusalCode.INVALID_CONTENT),
        ({"time": "2026-04-01T09:00:00"}, RefusalCode.INVALID_CONTENT),
        ({"actor": "system:referral"}, RefusalCode.INVALID_CONTENT),
        ({"actor": "person"}, RefusalCode.INVALID_CONTENT),
        ({"appointment": None}, RefusalCode.INVALID_CONTENT),
        ({"expectedversion": -1}, RefusalCode.INVALID_CONTENT),
        ({"source": "referral"}, RefusalCode.INVALID_CONTENT),
        ({"data": None}, RefusalCode.INVALID_CONTENT),
        ({"data": {"referral_id": "f-1", "act": "dance"}}, RefusalCode.INVALID_CONTENT),
        ({"data": {"referral_id": "f-1", "act": "decline"}}, RefusalCode.INVALID_CONTENT),
        ({"data": {"referral_id": "f-1", "act": "decline", "reason": "いやだ"}}, RefusalCode.INVALID_CONTENT),
        (
            {"data": {"referral_id": "f-1", "act": "accept", "reason": "no_capacity"}},
            RefusalCode.INVALID_CONTENT,
        ),
        ({"data": {"referral_id": "f-1", "act": "complete"}}, RefusalCode.INVALID_CONTENT),
        (
            {"data": {"referral_id": "f-1", "act": "start", "outcome": "helped_in_full"}},
            RefusalCode.INVALID_CONTENT,
        ),
    ],
    ids=str,
)
def test_a_signed_manifest_that_is_none_gets_a_stable_code(change: dict[str, object], code: RefusalCode) -> None:
    """Unknown types, unknown versions and content that the contract does not know are told apart."""
    assert refused(signed(said(**change))) is code


def test_readers_ignore_what_they_do_not_know() -> None:
    """A field added by a newer sender changes nothing for a reader of today."""
    newer = signed(said(newfield=1, data={"referral_id": "f-1", "act": "accept", "newer": {}}))
    read = newer.verify(CLINIC.signing.public, CLINIC.id)
    assert isinstance(read, ActOnReferral)
    assert read.data.act is ReferralAct.ACCEPT


def test_a_referral_names_an_agency_or_a_service_in_an_area() -> None:
    """One or the other, never both."""
    content = SUBMISSION.model_dump(mode="json")
    both = {"agency": "chiyoda-desk-fujimi", "service_family": "daily_life", "area": "chiyoda.fujimi"}
    data = content["data"]
    assert refused(signed(content | {"data": data | {"to": both}})) is RefusalCode.INVALID_CONTENT
    assert refused(signed(content | {"data": data | {"to": {}}})) is RefusalCode.INVALID_CONTENT


def test_a_refusal_repeats_no_name_that_the_sender_made_up() -> None:
    """Where a member should not be, the refusal says where, and not what it was called."""
    content = SUBMISSION.model_dump(mode="json")
    data = content["data"] | {"to": {"agency": "chiyoda-desk-fujimi", "神田花子": 1}}
    with pytest.raises(Refusal) as caught:
        signed(content | {"data": data}).verify(CLINIC.signing.public, CLINIC.id)
    assert "神田" not in str(caught.value)
    assert caught.value.detail["where"].startswith("data.to")


def test_every_recipient_is_said_and_never_assumed() -> None:
    """A statement without `recipients` is refused; only an explicit null means every agency."""
    content = CLINIC.statement("f-1", StatementKind.GRANT, Category.CONTACT).model_dump(mode="json")
    del content["data"]["recipients"]
    assert refused(signed(content)) is RefusalCode.INVALID_CONTENT


def test_a_section_listed_twice_is_refused() -> None:
    """The ids of a manifest's sections are distinct."""
    content = SUBMISSION.model_dump(mode="json")
    data = content["data"]
    twice = data | {"sections": [data["sections"][0]] * 2}
    assert refused(signed(content | {"data": twice})) is RefusalCode.INVALID_CONTENT


def test_a_statement_repeats_no_category_and_ends_after_it_begins() -> None:
    """Doubled categories, an empty list of recipients and an end before the beginning are refused."""
    content = CLINIC.statement("f-1", StatementKind.GRANT, Category.CONTACT).model_dump(mode="json")
    data = content["data"]
    changes: list[dict[str, object]] = [
        {"categories": ["contact", "contact"]},
        {"categories": []},
        {"recipients": []},
        {"purposes": []},
        {"valid_until": data["valid_from"]},
    ]
    for change in changes:
        assert refused(signed(content | {"data": data | change})) is RefusalCode.INVALID_CONTENT


def test_the_manifest_travels_alone_as_well() -> None:
    """Whoever relies on a manifest in an event verifies it without the bodies."""
    assert verify_manifest(MESSAGE.manifest, CLINIC.signing.public, CLINIC.id) == SUBMISSION


def test_a_refused_message_can_still_be_told_apart() -> None:
    """The ids that a message claims are read where they are ids, to answer its sender."""
    claimed = claimed_ids(MESSAGE.manifest)
    assert (claimed.message_id, claimed.referral_id) == (SUBMISSION.id, SUBMISSION.data.referral_id)
    assert claimed_ids("no token").message_id is None
    named = signed({"id": "神田花子", "data": {"referral_id": 7}}).manifest
    assert claimed_ids(named).message_id is claimed_ids(named).referral_id is None


def test_a_submission_is_of_version_nought() -> None:
    """A new referral expects that there is none yet."""
    content = SUBMISSION.model_dump(mode="json") | {"expectedversion": 4}
    assert refused(signed(content)) is RefusalCode.INVALID_CONTENT
    assert isinstance(SUBMISSION, SubmitReferral)
