import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.referral_bench import CLINIC, DESK, LIMITS, NPO, Bench, Said, referral_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts import jose
from tsunagu_contracts.codes import Area, ReferralAct, ReferralState, RefusalCode, ServiceFamily
from tsunagu_contracts.events.referral import MessageRefused, ReferralSubmitted
from tsunagu_contracts.keys import SigningKey
from tsunagu_contracts.manifests import MANIFEST_TYP, ToAgency, ToService
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.topics import agency_inbound, agency_outbound


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[Bench]:
    """The service on a fresh database, with three agencies enrolled."""
    async with referral_bench(make_database("referral").url) as opened:
        yield opened


def refusals(said: list[Said]) -> list[MessageRefused]:
    """Return the refusals on the topic of referrals' events."""
    return [
        one.event.data for one in said if one.topic == "referral.events" and isinstance(one.event.data, MessageRefused)
    ]


def _changed(raw: bytes, **members: object) -> bytes:
    return json.dumps({**json.loads(raw), **members}).encode()


def _resigned(raw: bytes, change: Callable[[dict[str, object]], object], key: SigningKey = CLINIC.signing) -> bytes:
    """Change a message's manifest and sign it again."""
    content = jose.unverified_payload(json.loads(raw)["manifest"])
    change(content)
    return _changed(raw, manifest=jose.sign(json.dumps(content).encode(), key, typ=MANIFEST_TYP))


def _with_header(raw: bytes, header: dict[str, object]) -> bytes:
    """Put another header before a message's manifest, leaving payload and signature."""
    _, payload, signature = json.loads(raw)["manifest"].split(".")
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return _changed(raw, manifest=f"{head}.{payload}.{signature}")


def _with_body(raw: bytes, body: object) -> bytes:
    """Put something else in the place of a message's first body."""
    bodies = json.loads(raw)["bodies"]
    return _changed(raw, bodies={**bodies, next(iter(bodies)): body})


def _one_byte_off(token: str) -> str:
    """Change one character inside a token's payload."""
    position = token.index(".") + 20
    return token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]


def _with_expired_handle(bench: Bench) -> bytes:
    handle = bench.consent.handle_for(CLINIC.id, expires_at=NOW)
    sealed = CLINIC.seal(handle)
    return CLINIC.message(CLINIC.submission(handle, sealed, bench.consent.encryption.public), sealed).to_bytes()


def _with_handle_of(bench: Bench, agency: SendingAgency) -> bytes:
    handle = bench.consent.handle_for(agency.id)
    sealed = CLINIC.seal(handle)
    return CLINIC.message(CLINIC.submission(handle, sealed, bench.consent.encryption.public), sealed).to_bytes()


BAD: dict[str, tuple[Callable[[Bench, bytes], bytes], RefusalCode]] = {
    "malformed JSON": (lambda _, raw: raw[:-7], RefusalCode.MALFORMED_JSON),
    "not an object": (lambda _, raw: b"[1]", RefusalCode.MALFORMED_JSON),
    "nothing": (lambda _, raw: b"", RefusalCode.MALFORMED_JSON),
    "not UTF-8": (lambda _, raw: b"\xff" + raw, RefusalCode.NOT_UTF8),
    "oversize": (lambda _, raw: raw + b" " * LIMITS.message, RefusalCode.OVERSIZE),
    "no manifest": (lambda _, raw: b"{}", RefusalCode.INVALID_CONTENT),
    "unknown type": (
        lambda _, raw: _resigned(raw, lambda content: content.update(type="agency.something.else.v1")),
        RefusalCode.UNKNOWN_TYPE,
    ),
    "unknown version": (
        lambda _, raw: _resigned(raw, lambda content: content.update(type="agency.referral.submit.v9")),
        RefusalCode.UNKNOWN_VERSION,
    ),
    "a field missing": (
        lambda _, raw: _resigned(raw, lambda content: content.pop("appointment")),
        RefusalCode.INVALID_CONTENT,
    ),
    "one byte of the manifest changed": (
        lambda _, raw: _changed(raw, manifest=_one_byte_off(json.loads(raw)["manifest"])),
        RefusalCode.SIGNATURE_INVALID,
    ),
    "signed with another agency's key": (
        lambda _, raw: _resigned(raw, lambda content: None, NPO.signing),
        RefusalCode.UNKNOWN_KEY,
    ),
    "in another agency's name": (
        lambda _, raw: _resigned(raw, lambda content: content.update(source=f"agency/{NPO.id}")),
        RefusalCode.SENDER_MISMATCH,
    ),
    "algorithm none": (
        lambda _, raw: _with_header(raw, {"alg": "none", "typ": MANIFEST_TYP}),
        RefusalCode.ALGORITHM_NOT_ALLOWED,
    ),
    "algorithm HS256": (
        lambda _, raw: _with_header(raw, {"alg": "HS256", "kid": CLINIC.signing.public.kid, "typ": MANIFEST_TYP}),
        RefusalCode.ALGORITHM_NOT_ALLOWED,
    ),
    "a body that is no JWE": (lambda _, raw: _with_body(raw, "hello"), RefusalCode.TOKEN_MALFORMED),
    "a body in JSON serialisation": (
        lambda _, raw: _with_body(raw, {"recipients": [{}, {}]}),
        RefusalCode.JSON_SERIALISATION,
    ),
    "a body beyond its limit": (
        lambda _, raw: _with_body(raw, "a" * (LIMITS.body + 1)),
        RefusalCode.OVERSIZE,
    ),
    "a body left out": (lambda _, raw: _changed(raw, bodies={}), RefusalCode.BODY_MISSING),
    "a body too many": (
        lambda _, raw: _changed(raw, bodies={**json.loads(raw)["bodies"], "more": "a.b.c.d.e"}),
        RefusalCode.BODY_UNEXPECTED,
    ),
    "one byte of a body changed": (
        lambda _, raw: _with_body(raw, _one_byte_off_body(raw)),
        RefusalCode.DIGEST_MISMATCH,
    ),
    "an expired handle": (lambda bench, _: _with_expired_handle(bench), RefusalCode.HANDLE_EXPIRED),
    "another agency's handle": (lambda bench, _: _with_handle_of(bench, NPO), RefusalCode.HANDLE_OF_ANOTHER_AGENCY),
    "an addressee that nobody knows": (
        lambda bench, _: bench.submission(to=ToAgency(agency="nobody"))[1],
        RefusalCode.ADDRESSEE_UNKNOWN,
    ),
    "an area without a desk": (
        lambda bench, _: bench.submission(to=ToService(service_family=ServiceFamily.DAILY_LIFE, area=Area.SHIBA))[1],
        RefusalCode.ADDRESSEE_UNKNOWN,
    ),
    "another coordinator's appointment": (
        lambda _, raw: _resigned(raw, lambda content: content.update(actor="coordinator:c-0003")),
        RefusalCode.APPOINTMENT_OF_ANOTHER,
    ),
    "an appointment that nobody knows": (
        lambda _, raw: _resigned(raw, lambda content: content.update(appointment="ap-none")),
        RefusalCode.APPOINTMENT_UNKNOWN,
    ),
    "an act on a referral that does not exist": (
        lambda _, raw: CLINIC.message(CLINIC.act(IDS.new(), ReferralAct.ACCEPT)).to_bytes(),
        RefusalCode.REFERRAL_UNKNOWN,
    ),
}


def _one_byte_off_body(raw: bytes) -> str:
    body: str = next(iter(json.loads(raw)["bodies"].values()))
    head, key, iv, text, tag = body.split(".")
    return ".".join((head, key, iv, ("A" if text[0] != "A" else "B") + text[1:], tag))


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_message_is_answered_told_and_recorded_and_its_neighbours_pass(bench: Bench, case: str) -> None:
    """A bad message between two good ones gets its code on both topics and leaves no other trace."""
    spoil, code = BAD[case]
    (first, before), (second, after) = bench.submission(), bench.submission()
    bad = spoil(bench, bench.submission()[1])
    await bench.send((CLINIC, before), (CLINIC, bad), (CLINIC, after))
    said = await bench.heard()
    (refused,) = refusals(said)
    assert refused.code is code
    assert (refused.topic, refused.agency_id) == (agency_outbound(CLINIC.id), CLINIC.id)
    assert refused.partition == 0
    assert refused.offset is not None
    told = [one.event.data for one in said if one.topic == agency_inbound(CLINIC.id)]
    assert refused in told
    submitted = [one.event.data for one in said if isinstance(one.event.data, ReferralSubmitted)]
    assert {data.referral_id for data in submitted} == {first.data.referral_id, second.data.referral_id}
    assert await bench.count() == (2, 8)


async def test_a_message_on_another_agencys_topic_is_refused_to_the_topics_agency(bench: Bench) -> None:
    """Whoever writes another's topic with its own key speaks for nobody."""
    _, raw = bench.submission()
    await bench.send((NPO, raw))
    said = await bench.heard()
    (refused,) = refusals(said)
    assert (refused.code, refused.agency_id) == (RefusalCode.UNKNOWN_KEY, NPO.id)
    assert {one.topic for one in said} == {"referral.events", agency_inbound(NPO.id)}
    assert await bench.count() == (0, 0)


async def test_the_same_bytes_again_are_acknowledged_with_the_same_result(bench: Bench) -> None:
    """A repeated message changes nothing and its sender hears the first answer again."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    first = await bench.heard()
    bench.clock.at += timedelta(days=400)  # handle and appointment have ended meanwhile
    await bench.send((CLINIC, raw), (CLINIC, raw))
    again = await bench.heard()
    assert [one.topic for one in again] == [agency_inbound(CLINIC.id)] * 2
    assert again[0].value == next(one.value for one in first if one.topic == agency_inbound(CLINIC.id))
    assert again[0].key == manifest.data.referral_id
    assert await bench.count() == (1, 4)


async def test_the_same_bytes_twice_in_one_batch_take_effect_once(bench: Bench) -> None:
    """Two copies in one batch make one referral and two equal answers."""
    _, raw = bench.submission()
    await bench.send((CLINIC, raw), (CLINIC, raw))
    said = await bench.heard()
    assert [one.event.type for one in said if one.topic == "referral.events"] == ["referral.submitted.v1"]
    answers = [one.value for one in said if one.topic == agency_inbound(CLINIC.id)]
    assert len(answers) == 2
    assert len(set(answers)) == 1


async def test_a_refused_message_again_is_refused_the_same_way(bench: Bench) -> None:
    """The answer of an authentic message stands, even if it would now be taken."""
    _, raw = bench.submission(to=ToAgency(agency="nobody"))
    await bench.send((CLINIC, raw))
    first = await bench.heard()
    await bench.send((CLINIC, raw))
    (again,) = await bench.heard()
    assert again.value == first[-1].value


async def test_other_content_under_a_used_id_is_refused(bench: Bench) -> None:
    """A message id names one content for ever."""
    manifest, raw = bench.submission()
    _, other = bench.submission()
    await bench.send((CLINIC, raw), (CLINIC, _resigned(other, lambda content: content.update(id=manifest.id))))
    (refused,) = refusals(await bench.heard())
    assert (refused.code, refused.message_id) == (RefusalCode.DUPLICATE_ID, manifest.id)
    assert await bench.count() == (1, 4)


async def test_a_spoiled_copy_does_not_use_up_the_id(bench: Bench) -> None:
    """A copy whose bodies were damaged on the way leaves the id to the message itself."""
    _, raw = bench.submission()
    await bench.send((CLINIC, _changed(raw, bodies={})), (CLINIC, raw))
    said = await bench.heard()
    assert [one.code for one in refusals(said)] == [RefusalCode.BODY_MISSING]
    assert await bench.count() == (1, 4)


async def test_message_ids_of_two_agencies_have_nothing_to_do_with_each_other(bench: Bench) -> None:
    """Nobody can use up, or find out, another agency's message ids."""
    manifest, raw = bench.submission()
    handle = bench.consent.handle_for(NPO.id)
    sealed = NPO.seal(handle)
    same = NPO.submission(handle, sealed, bench.consent.encryption.public).model_copy(update={"id": manifest.id})
    await bench.send((CLINIC, raw), (NPO, NPO.message(same, sealed).to_bytes()))
    assert refusals(await bench.heard()) == []
    assert await bench.count() == (2, 8)


async def test_a_referral_id_that_is_taken_is_refused(bench: Bench) -> None:
    """A new message cannot begin a referral that has begun."""
    manifest, raw = bench.submission()
    _, other = bench.submission(referral_id=manifest.data.referral_id)
    await bench.send((CLINIC, raw), (CLINIC, other))
    assert [one.code for one in refusals(await bench.heard())] == [RefusalCode.REFERRAL_EXISTS]
    assert await bench.count() == (1, 4)


async def test_a_handle_serves_one_referral(bench: Bench) -> None:
    """Two referrals under one handle could be linked by it, so the second is refused."""
    handle = bench.consent.handle_for(CLINIC.id)
    raws = []
    for _ in range(2):
        sealed = CLINIC.seal(handle)
        manifest = CLINIC.submission(handle, sealed, bench.consent.encryption.public)
        raws.append((CLINIC, CLINIC.message(manifest, sealed).to_bytes()))
    await bench.send(*raws)
    assert [one.code for one in refusals(await bench.heard())] == [RefusalCode.HANDLE_ALREADY_USED]
    assert await bench.count() == (1, 4)


async def test_a_submission_travels_verbatim_and_its_bodies_go_nowhere_yet(bench: Bench) -> None:
    """The event embeds the very manifest; neither the event nor the sender's copy has a body."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    event, told = await bench.heard()
    assert isinstance(event.event.data, ReferralSubmitted)
    assert event.event.data.manifest == AgencyMessage.parse(raw).manifest
    assert (event.event.version, event.event.cause) == (1, f"appointment:{CLINIC.appointment}@1")
    assert (event.event.actor, event.event.appointment) == (f"coordinator:{CLINIC.coordinator}", CLINIC.appointment)
    assert event.event.data.state is ReferralState.SUBMITTED
    assert event.event.data.accountable.coordinator_id == CLINIC.coordinator
    assert (told.topic, dict(told.bodies)) == (agency_inbound(CLINIC.id), {})
    for body in AgencyMessage.parse(raw).bodies.values():
        assert body.encode() not in event.value + told.value
    assert manifest.data.referral_id == event.key


async def test_a_service_in_an_area_is_routed_to_the_areas_desk(bench: Bench) -> None:
    """Without a named agency the standing desk is the addressee, and the event says by what."""
    _, raw = bench.submission(to=ToService(service_family=ServiceFamily.ELDER_CARE, area=Area.FUJIMI))
    await bench.send((CLINIC, raw))
    event, _ = await bench.heard()
    assert isinstance(event.event.data, ReferralSubmitted)
    assert (event.event.data.addressee, event.event.data.routed_by) == (DESK.id, "area_desk")


async def test_an_agency_that_is_not_registered_is_refused(bench: Bench) -> None:
    """A topic whose agency the directory has not named yet gets an answer too."""
    stranger = SendingAgency(id="chiyoda-stranger")
    await bench.send((stranger, stranger.message(stranger.act(IDS.new(), ReferralAct.ACCEPT)).to_bytes()))
    assert [one.code for one in refusals(await bench.heard())] == [RefusalCode.AGENCY_UNKNOWN]


async def test_an_appointment_that_has_ended_is_refused(bench: Bench) -> None:
    """Whoever is no longer appointed cannot act, though the agency's signature is sound."""
    bench.clock.at += timedelta(days=336)
    late = bench.consent.handle_for(CLINIC.id, expires_at=bench.clock.at + timedelta(days=1))
    sealed = CLINIC.seal(late)
    manifest = CLINIC.submission(late, sealed, bench.consent.encryption.public)
    await bench.send((CLINIC, CLINIC.message(manifest, sealed).to_bytes()))
    assert [one.code for one in refusals(await bench.heard())] == [RefusalCode.APPOINTMENT_NOT_VALID]
