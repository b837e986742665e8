from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.referral_bench import CLINIC, DESK, LIMITS, NPO, Bench, referral_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import CoverageState, ReferralAct, RefusalCode
from tsunagu_contracts.events.referral import MessageRefused
from tsunagu_contracts.manifests import SubmitReferral
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.topics import agency_inbound

THREE = (CoverageState.COVERED,) * 3 + (CoverageState.TO_ASK,)


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[Bench]:
    """The service on a fresh database, with three agencies enrolled."""
    async with referral_bench(make_database("referral").url) as opened:
        yield opened


@pytest.fixture
async def http(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its routes."""
    async with bench.http() as client:
        yield client


def code_of(answer: httpx.Response) -> str:
    """Return the code of a problem (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    code: str = answer.json()["code"]
    return code


async def recorded(bench: Bench) -> list[RefusalCode]:
    """Return the codes of the refusals that the service has said since it was last asked."""
    return [one.event.data.code for one in await bench.heard() if isinstance(one.event.data, MessageRefused)]


async def test_the_same_bytes_over_http_say_the_same_as_over_kafka(bench: Bench, http: httpx.AsyncClient) -> None:
    """A message posted makes the same events, and is answered with where its referral stands."""
    manifest, raw = bench.submission()
    answer = await http.post("/messages", content=raw, headers=bench.headers(CLINIC))
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message_id": manifest.id,
            "referral_id": manifest.data.referral_id,
            "version": 1,
            "state": "submitted",
        },
    )
    said = await bench.heard()
    assert [(one.topic, one.event.type) for one in said] == [
        ("referral.events", "referral.submitted.v1"),
        (agency_inbound(CLINIC.id), "referral.submitted.v1"),
    ]


async def test_what_came_over_kafka_is_acknowledged_over_http_with_the_same_result(
    bench: Bench, http: httpx.AsyncClient
) -> None:
    """The two ways share their message ids."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    await bench.heard()
    answer = await http.post("/messages", content=raw, headers=bench.headers(CLINIC))
    assert (answer.status_code, answer.json()["referral_id"]) == (200, manifest.data.referral_id)
    assert await bench.heard() == []


async def test_a_refused_message_is_a_problem_and_is_recorded(bench: Bench, http: httpx.AsyncClient) -> None:
    """An authenticated caller's bad message leaves a record, and the answer says what to do next."""
    manifest, raw = bench.submission()
    answer = await http.post("/messages", content=raw[:-9], headers=bench.headers(CLINIC))
    assert (answer.status_code, code_of(answer)) == (400, "malformed_json")
    assert answer.json()["next"]
    assert await recorded(bench) == [RefusalCode.MALFORMED_JSON]
    oversize = await http.post("/messages", content=raw + b" " * LIMITS.message, headers=bench.headers(CLINIC))
    assert (oversize.status_code, code_of(oversize)) == (413, "oversize")
    assert await recorded(bench) == [RefusalCode.OVERSIZE]
    assert manifest.data.referral_id not in answer.text


async def test_the_actor_must_be_the_one_of_the_token(bench: Bench, http: httpx.AsyncClient) -> None:
    """A colleague's token, or the system's own, does not carry a coordinator's act."""
    _, raw = bench.submission()
    for subject in ("coordinator:c-0003", f"system:{CLINIC.id}"):
        answer = await http.post("/messages", content=raw, headers=bench.headers(CLINIC, subject))
        assert answer.status_code == 403
    assert await bench.count() == (0, 0)
    answer = await http.post("/messages", content=raw, headers=bench.headers(CLINIC, f"system:{CLINIC.id}"))
    assert code_of(answer) == "actor_mismatch"


async def test_another_agencys_message_cannot_be_posted(bench: Bench, http: httpx.AsyncClient) -> None:
    """A token of one agency does not carry another's message; the refusal is recorded for the caller's."""
    _, raw = bench.submission()
    answer = await http.post("/messages", content=raw, headers=bench.headers(NPO))
    assert code_of(answer) == "unknown_key"
    (refused,) = [one.event.data for one in await bench.heard() if isinstance(one.event.data, MessageRefused)]
    assert refused.agency_id == NPO.id


async def test_no_route_is_open(bench: Bench, http: httpx.AsyncClient) -> None:
    """Without a token every route answers 401, before it says anything else."""
    for path in ("/referrals", f"/referrals/{IDS.new()}", f"/referrals/{IDS.new()}/delivery"):
        assert code_of(await http.get(path)) == "unauthenticated"
    assert code_of(await http.post("/messages", content=b"{}")) == "unauthenticated"
    assert await bench.heard() == []


async def test_a_write_needs_its_idempotency_key(bench: Bench, http: httpx.AsyncClient) -> None:
    """Without the header a message is not taken; with a key used for other content neither."""
    _, raw = bench.submission()
    _, other = bench.submission()
    headers = bench.headers(CLINIC)
    without = {"Authorization": headers["Authorization"]}
    assert code_of(await http.post("/messages", content=raw, headers=without)) == "idempotency_key_missing"
    assert (await http.post("/messages", content=raw, headers=headers)).status_code == 200
    assert code_of(await http.post("/messages", content=other, headers=headers)) == "idempotency_key_reused"
    assert (await http.post("/messages", content=raw, headers=headers)).status_code == 200
    assert await bench.count() == (1, 4)


async def test_other_content_under_a_used_message_id_is_a_recorded_problem(
    bench: Bench, http: httpx.AsyncClient
) -> None:
    """Also where the message id serves as the key, the refusal says what is wrong and is recorded."""
    manifest, raw = bench.submission()
    headers = bench.headers(CLINIC) | {"Idempotency-Key": manifest.id}
    assert (await http.post("/messages", content=raw, headers=headers)).status_code == 200
    other = CLINIC.message(CLINIC.act(IDS.new(), ReferralAct.ACCEPT).model_copy(update={"id": manifest.id}))
    assert code_of(await http.post("/messages", content=other.to_bytes(), headers=headers)) == "duplicate_id"
    assert await recorded(bench) == [RefusalCode.DUPLICATE_ID]


async def deliver(bench: Bench) -> tuple[SubmitReferral, AgencyMessage]:
    """Bring a referral to the desk."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    await bench.decide_coverage(manifest, *THREE)
    return manifest, AgencyMessage.parse(raw)


async def test_parties_see_the_referral_and_nobody_else_does(bench: Bench, http: httpx.AsyncClient) -> None:
    """A third agency gets the very answer that an id gets which does not exist."""
    manifest, _ = await deliver(bench)
    path = f"/referrals/{manifest.data.referral_id}"
    for agency in (CLINIC, DESK):
        seen = (await http.get(path, headers=bench.headers(agency))).json()
        assert (seen["state"], seen["version"], seen["sender"]) == ("delivered", 2, CLINIC.id)
        listed = (await http.get("/referrals", headers=bench.headers(agency))).json()["referrals"]
        assert listed == [seen]
    missing = IDS.new()
    hidden = await http.get(path, headers=bench.headers(NPO))
    absent = await http.get(f"/referrals/{missing}", headers=bench.headers(NPO))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace(manifest.data.referral_id, "ID") == absent.text.replace(missing, "ID")
    assert (await http.get("/referrals", headers=bench.headers(NPO))).json()["referrals"] == []


async def test_before_delivery_the_addressee_sees_nothing(bench: Bench, http: httpx.AsyncClient) -> None:
    """Until something is covered the addressee cannot tell that there is a referral."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    answer = await http.get(f"/referrals/{manifest.data.referral_id}", headers=bench.headers(DESK))
    assert code_of(answer) == "referral_unknown"
    assert (await http.get("/referrals", headers=bench.headers(DESK))).json()["referrals"] == []


@pytest.mark.parametrize("agency", [CLINIC, NPO], ids=["the sender", "a stranger"])
async def test_only_the_addressee_can_fetch_a_delivery(
    bench: Bench, http: httpx.AsyncClient, agency: SendingAgency
) -> None:
    """The delivery over HTTP is what the addressee's inbound topic had, and nobody else's to see."""
    manifest, sent = await deliver(bench)
    inbound = next(one for one in await bench.heard() if one.topic == agency_inbound(DESK.id))
    path = f"/referrals/{manifest.data.referral_id}/delivery"
    fetched = await http.get(path, headers=bench.headers(DESK))
    assert fetched.json()["bodies"] == dict(sent.bodies)
    assert fetched.content == inbound.value
    assert code_of(await http.get(path, headers=bench.headers(agency))) == "referral_unknown"


async def test_a_coordinator_without_a_valid_appointment_sees_nothing(bench: Bench, http: httpx.AsyncClient) -> None:
    """What one may see follows from appointments, whatever the agency vouches for."""
    await deliver(bench)
    other = await http.get("/referrals", headers=bench.headers(CLINIC, "coordinator:c-0003"))
    assert code_of(other) == "not_permitted"
    bench.clock.at += timedelta(days=336)
    assert code_of(await http.get("/referrals", headers=bench.headers(CLINIC))) == "not_permitted"
    assert (await http.get("/referrals", headers=bench.headers(CLINIC, f"system:{CLINIC.id}"))).status_code == 200


async def test_the_list_comes_in_pages(bench: Bench, http: httpx.AsyncClient) -> None:
    """Each page names where the next begins, and the last one names nothing."""
    sent = {(await deliver(bench))[0].data.referral_id for _ in range(3)}
    first = (await http.get("/referrals", params={"limit": 2}, headers=bench.headers(CLINIC))).json()
    second = (
        await http.get("/referrals", params={"limit": 2, "after": first["next"]}, headers=bench.headers(CLINIC))
    ).json()
    assert {view["referral_id"] for view in first["referrals"] + second["referrals"]} == sent
    assert (len(first["referrals"]), second["next"]) == (2, None)
    none = await http.get("/referrals", params={"state": "completed"}, headers=bench.headers(CLINIC))
    assert none.json() == {"referrals": [], "next": None}


async def test_who_signs_in_acts_for_the_agencies_of_their_appointments(bench: Bench) -> None:
    """A coordinator of two agencies sends for either, as the message says, and for no third one."""
    await bench.appoint("ap-0009", CLINIC.coordinator, NPO)
    second = SendingAgency(
        id=NPO.id, coordinator=CLINIC.coordinator, appointment="ap-0009", signing=NPO.signing, encryption=NPO.encryption
    )
    missing = IDS.new()
    async with bench.http(signed_in=Actor.coordinator(CLINIC.coordinator)) as http:
        _, raw = bench.submission()
        assert (await http.post("/messages", content=raw, headers={"Idempotency-Key": "k-1"})).status_code == 200
        for sender, code in ((second, "referral_unknown"), (DESK, "unknown_key")):
            message = sender.message(sender.act(missing, ReferralAct.ACCEPT)).to_bytes()
            answer = await http.post("/messages", content=message, headers={"Idempotency-Key": "k-2"})
            assert code_of(answer) == code


async def test_who_signs_in_without_an_appointment_may_do_nothing(bench: Bench) -> None:
    """An auditor, or a stranger with a valid token, is refused before anything is read."""
    for actor in (Actor.parse("auditor:au-1"), Actor.coordinator("c-9999")):
        async with bench.http(signed_in=actor) as http:
            assert code_of(await http.get("/referrals")) == "not_permitted"
            answer = await http.post("/messages", content=bench.submission()[1], headers={"Idempotency-Key": "k"})
            assert code_of(answer) == "not_permitted"
