import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.referral_bench import CLINIC, DESK, NPO, Bench, Said, referral_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts import jose
from tsunagu_contracts.codes import Area, ReferralAct, ReferralState, RefusalCode, ServiceFamily
from tsunagu_contracts.events.referral import MessageRefused, ReferralSubmitted
from tsunagu_contracts.keys import SigningKey
from tsunagu_contracts.manifests import MANIFEST_TYP, ToAgency, ToService
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.topics import agency_inbound


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


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_other_content_under_a_used_id_is_refused(bench: Bench, *, together: bool) -> None:
    """A message id names one content for ever."""
    manifest, raw = bench.submission()
    _, unsigned = bench.submission()
    other = _resigned(unsigned, lambda content: content.update(id=manifest.id))
    for batch in [[raw, other]] if together else [[raw], [other]]:
        await bench.send(*((CLINIC, each) for each in batch))
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
