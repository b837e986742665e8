from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.referral.use_cases.keeping import delete_due_bodies
from tests.builders.agency_messages import SendingAgency
from tests.builders.referral_bench import CLINIC, DESK, NPO, Bench, Said, referral_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.codes import CoverageState, DeclineReason, Outcome, ReferralAct, ReferralState, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import MessageRefused, ReferralAwaitingConsent, ReferralDelivered, ReferralFacts
from tsunagu_contracts.manifests import SubmitReferral
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.topics import agency_inbound

NOTHING = (CoverageState.TO_ASK,) * 4
THREE = (CoverageState.COVERED,) * 3 + (CoverageState.TO_ASK,)
TO_CLINIC, TO_DESK = agency_inbound(CLINIC.id), agency_inbound(DESK.id)


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[Bench]:
    """The service on a fresh database, with three agencies enrolled."""
    async with referral_bench(make_database("referral").url) as opened:
        yield opened


def types_on(said: list[Said], topic: str) -> list[str]:
    """Return the types of what was said on a topic."""
    return [one.event.type for one in said if one.topic == topic]


def act_of(agency: SendingAgency, manifest: SubmitReferral, act: ReferralAct, seen: int) -> tuple[SendingAgency, bytes]:
    """Make an act of the agency that has seen this version, with the codes that an ending needs."""
    message = agency.act(manifest.data.referral_id, ReferralAct.ACCEPT, expected_version=seen)
    data = message.data.model_copy(
        update={
            "act": act,
            "reason": DeclineReason.NO_CAPACITY if act is ReferralAct.DECLINE else None,
            "outcome": Outcome.HELPED_IN_FULL if act is ReferralAct.COMPLETE else None,
        }
    )
    return agency, agency.message(message.model_copy(update={"data": data})).to_bytes()


async def delivered(bench: Bench) -> tuple[SubmitReferral, bytes]:
    """Bring a referral to its delivery at version 2, and forget what was said until then."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    await bench.decide_coverage(manifest, *THREE)
    await bench.heard()
    return manifest, raw


async def test_a_referral_that_nothing_covers_waits_and_only_its_sender_hears_what_to_ask(bench: Bench) -> None:
    """The addressee hears nothing at all; the sender gets every section's state."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    await bench.heard()
    await bench.decide_coverage(manifest, *NOTHING)
    event, told = await bench.heard()
    assert isinstance(event.event.data, ReferralAwaitingConsent)
    assert [part.state for part in event.event.data.sections] == list(NOTHING)
    assert (event.event.version, event.event.cause) == (2, f"coverage:{manifest.data.referral_id}@1")
    assert told.topic == TO_CLINIC


async def test_one_covered_section_delivers_all_bodies_to_the_addressee_alone(bench: Bench) -> None:
    """The addressee's inbound topic gets every sealed body with the sender's manifest; the sender's gets none."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    await bench.decide_coverage(manifest, *NOTHING)
    await bench.heard()
    await bench.decide_coverage(manifest, *THREE, version=2)
    event, to_sender, to_addressee = await bench.heard()
    sent = AgencyMessage.parse(raw)
    assert isinstance(event.event.data, ReferralDelivered)
    assert event.event.data.manifest == sent.manifest
    assert (to_sender.topic, dict(to_sender.bodies)) == (TO_CLINIC, {})
    assert (to_addressee.topic, dict(to_addressee.bodies)) == (TO_DESK, dict(sent.bodies))
    assert to_addressee.event == event.event
    assert all(body.encode() not in event.value for body in sent.bodies.values())


async def test_from_acceptance_to_outcome_both_parties_hear_every_version(bench: Bench) -> None:
    """Accepted, started, completed: each act brings one version, and lead and outcome are told."""
    manifest, _ = await delivered(bench)
    await bench.send(act_of(DESK, manifest, ReferralAct.ACCEPT, 2))
    await bench.send(act_of(DESK, manifest, ReferralAct.START, 3), act_of(DESK, manifest, ReferralAct.COMPLETE, 4))
    said = await bench.heard()
    expected = ["referral.accepted.v1", "referral.started.v1", "referral.completed.v1"]
    for topic in ("referral.events", TO_CLINIC, TO_DESK):
        assert types_on(said, topic) == expected
    facts = [one.event for one in said if one.topic == TO_CLINIC]
    assert [event.version for event in facts] == [3, 4, 5]
    for event in facts:
        assert isinstance(event.data, ReferralFacts)
        assert event.data.accountable.coordinator_id == DESK.coordinator
        assert (event.actor, event.cause) == (f"coordinator:{DESK.coordinator}", f"appointment:{DESK.appointment}@1")


async def test_nothing_covered_any_more_halts_and_covered_again_resumes(bench: Bench) -> None:
    """Both parties hear of the halt and of the resumption, which brings no bodies again."""
    manifest, _ = await delivered(bench)
    await bench.send(act_of(DESK, manifest, ReferralAct.ACCEPT, 2))
    await bench.heard()
    await bench.decide_coverage(manifest, *NOTHING, version=2)
    halted = await bench.heard()
    await bench.decide_coverage(manifest, *THREE, version=3)
    resumed = await bench.heard()
    for said, kind in ((halted, "referral.halted.v1"), (resumed, "referral.resumed.v1")):
        assert [types_on(said, topic) for topic in ("referral.events", TO_CLINIC, TO_DESK)] == [[kind]] * 3
        assert not any(one.bodies for one in said if one.topic != "referral.events")
    data = resumed[0].event.data
    assert isinstance(data, ReferralFacts)
    assert data.state is ReferralState.ACCEPTED


async def test_an_act_that_saw_another_version_is_refused(bench: Bench) -> None:
    """Who decides on an older picture is told to look again, and nothing moves."""
    manifest, _ = await delivered(bench)
    await bench.send(act_of(DESK, manifest, ReferralAct.ACCEPT, 1))
    event, told = await bench.heard()
    assert isinstance(event.event.data, MessageRefused)
    assert event.event.data.code is RefusalCode.VERSION_CONFLICT
    assert told.topic == TO_DESK


async def test_two_acts_on_the_same_version_in_one_batch_let_the_first_win(bench: Bench) -> None:
    """Acts on one referral take effect one after the other, even inside a batch."""
    manifest, _ = await delivered(bench)
    await bench.send(act_of(DESK, manifest, ReferralAct.ACCEPT, 2), act_of(DESK, manifest, ReferralAct.DECLINE, 2))
    said = await bench.heard()
    assert types_on(said, "referral.events") == ["referral.accepted.v1", "message.refused.v1"]


@pytest.mark.parametrize("agency", [NPO, DESK], ids=["a stranger", "the addressee before delivery"])
async def test_who_is_no_party_hears_the_same_as_for_an_id_that_does_not_exist(
    bench: Bench, agency: SendingAgency
) -> None:
    """Neither version nor state nor existence of another's referral can be told from the answer."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    await bench.decide_coverage(manifest, *NOTHING)
    await bench.heard()
    missing = bench.submission()[0]
    for target in (manifest, missing):
        for seen in (1, 2, 7):
            await bench.send(act_of(agency, target, ReferralAct.ACCEPT, seen))
            event, _ = await bench.heard()
            assert isinstance(event.event.data, MessageRefused)
            assert event.event.data.code is RefusalCode.REFERRAL_UNKNOWN


async def test_after_the_end_nothing_can_be_done(bench: Bench) -> None:
    """A declined referral refuses every further act with a code."""
    manifest, _ = await delivered(bench)
    await bench.send(act_of(DESK, manifest, ReferralAct.DECLINE, 2), act_of(DESK, manifest, ReferralAct.ACCEPT, 3))
    refused = [one.event.data for one in await bench.heard() if isinstance(one.event.data, MessageRefused)]
    assert {data.code for data in refused} == {RefusalCode.REFERRAL_NOT_OPEN}


async def test_bodies_go_a_set_time_after_the_end_and_not_before(bench: Bench) -> None:
    """The deletion takes closed referrals whose time has passed, and only their bodies."""
    manifest, _ = await delivered(bench)
    await delivered(bench)
    await bench.send(act_of(DESK, manifest, ReferralAct.DECLINE, 2))
    kept = timedelta(days=30)
    for wait, left in ((timedelta(days=29), 8), (timedelta(days=1), 4)):
        bench.clock.at += wait
        async with bench.database.work() as work:
            await delete_due_bodies(work, kept)
        assert await bench.count() == (2, left)


async def test_coverage_that_fits_no_referral_is_refused_for_the_pipeline_to_park(bench: Bench) -> None:
    """An event of `consent` that cannot be right is never silently passed over."""
    manifest, _ = bench.submission()
    with pytest.raises(Refusal) as caught:
        await bench.decide_coverage(manifest, *THREE)
    assert caught.value.code is RefusalCode.REFERRAL_UNKNOWN
