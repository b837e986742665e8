"""The record read as of a moment past, and what a withdrawal would change."""

from datetime import datetime, timedelta

from typer.testing import CliRunner

from deploy.cli import app
from services.consent.use_cases import replay
from tests.builders.agency_messages import IDS
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent, resigned
from tsunagu_contracts.codes import Category, CoverageState, Purpose, StatementKind, StatementMethod
from tsunagu_contracts.events.consent import ReleaseGranted, ReleaseRefused, StatementCountersigned
from tsunagu_contracts.manifests import ToAgency

HEALTH = Category.HEALTH
GRANT, REFUSE, WITHDRAW, _ = StatementKind
ASSESSMENT = [Purpose.ASSESSMENT.value]


async def health_at(bench: Bench, sent: Sent, at: datetime) -> str:
    """The reason that a party is told for the health section at a moment."""
    asked = {"referral_id": sent.id, "at": at.isoformat()}
    answer = await bench.client.post("/decisions", json=asked, headers=bench.headers(DESK))
    assert answer.status_code == 200, answer.text
    return {each["category"]: str(each["reason"]) for each in answer.json()["sections"]}[HEALTH]


async def test_the_record_as_of_moments_past(bench: Bench) -> None:
    """At each moment a party reads what was covered then, whatever has been recorded since."""
    sent = await bench.refer()
    moments = [bench.clock.now()]
    for kind in (GRANT, WITHDRAW, GRANT):
        await bench.say(sent, kind, HEALTH)
        moments.append(bench.clock.now())
        bench.clock.at += timedelta(minutes=1)

    found = [await health_at(bench, sent, moment) for moment in moments]

    assert found == ["no_statement", "granted", "withdrawn_by_person", "granted"]


async def test_support_counts_from_its_recording(bench: Bench) -> None:
    """Before it was countersigned, a spoken grant that the recipient wrote down had not opened the section."""
    sent = await bench.refer()
    spoken = (await bench.say(sent, GRANT, HEALTH, by=DESK, how=StatementMethod.SPOKEN)).json()["statement_id"]
    before = bench.clock.now()
    bench.clock.at += timedelta(minutes=1)
    await bench.post("/countersignatures", CLINIC.countersignature(sent.id, spoken), by=CLINIC)
    assert len(await bench.heard(StatementCountersigned)) == 1

    assert await health_at(bench, sent, before) == "spoken_to_recipient_only"
    assert await health_at(bench, sent, bench.clock.now()) == "granted"


async def test_who_reads_and_when(bench: Bench) -> None:
    """A stranger learns nothing, a moment still to come is refused, and nobody is told a number or a statement."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    asked = {"referral_id": sent.id}

    stranger = await bench.client.post("/decisions", json=asked, headers=bench.headers(NPO))
    unknown = await bench.client.post("/decisions", json={"referral_id": IDS.new()}, headers=bench.headers(NPO))
    later = {"referral_id": sent.id, "at": (bench.clock.now() + timedelta(minutes=1)).isoformat()}
    future = await bench.client.post("/decisions", json=later, headers=bench.headers(DESK))
    told = await bench.client.post("/decisions", json=asked, headers=bench.headers(DESK))

    assert (stranger.status_code, stranger.json()) == (404, unknown.json())
    assert future.json()["code"] == "stated_in_future"
    assert set(told.json()) == {"referral_id", "at", "sections"}
    assert all(set(each) == {"section_id", "category", "state", "reason"} for each in told.json()["sections"])


async def test_replayed_decisions_are_those_taken(bench: Bench) -> None:
    """Read as of the number before each release, the record says what was then decided and on which statement."""
    sent = await bench.refer()
    for kind in (None, GRANT, REFUSE, GRANT, WITHDRAW):
        if kind is not None:
            await bench.say(sent, kind, HEALTH)
        await bench.ask(sent)

    granted = [(data.number, True, data.statement_number) for _, data in await bench.heard(ReleaseGranted)]
    bench.hear_again()
    refused = [(data.number or 0, False, None) for _, data in await bench.heard(ReleaseRefused)]
    assert (len(granted), len(refused)) == (2, 3)
    for number, permitted, statement_number in (*granted, *refused):
        async with bench.database.reading() as session:
            reading = await replay.read(session, sent.id, as_of=number - 1, at=bench.clock.now())
        decision = next(each for section, each in reading.decisions if section.category is HEALTH)
        assert decision.permit == permitted
        assert statement_number in (None, decision.statement_number)


async def test_what_a_withdrawal_would_change(bench: Bench) -> None:
    """The caller sees which of its own referrals of the person would be touched; looking changes nothing."""
    first, second = await bench.refer(reference="one"), await bench.refer(reference="one")
    to_npo = resigned(
        await bench.sealed_referral(reference="one", to=ToAgency(agency=NPO.id)), CLINIC, addressee=NPO.id
    )
    await bench.take_in(to_npo)
    other = await bench.refer(reference="other")
    for sent in (first, other):
        await bench.say(sent, GRANT, HEALTH, Category.IDENTITY, recipients=None)
    asked = {"referral_id": first.id, "categories": [HEALTH.value], "purposes": ASSESSMENT}

    sender, desk = [
        (await bench.client.post("/withdrawals/preview", json=asked, headers=bench.headers(agency))).json()["changes"]
        for agency in (CLINIC, DESK)
    ]

    assert {each["referral_id"] for each in sender} == {first.id, second.id, to_npo.id}
    assert {each["referral_id"] for each in desk} == {first.id, second.id}
    changes = [*sender, *desk]
    assert {(each["now"]["state"], each["then"]["state"]) for each in changes} == {("covered", "refused")}
    assert {each["now"]["category"] for each in changes} == {HEALTH.value}
    bench.hear_again()
    assert (await bench.coverage(first))[HEALTH][0] is CoverageState.COVERED


async def test_a_withdrawal_that_would_change_nothing(bench: Bench) -> None:
    """Where nothing was granted, or the withdrawal is from somebody else, nothing would change."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    for changes in ({"categories": ["legal"]}, {"recipients": [NPO.id]}, {"purposes": ["disaster"]}):
        asked = {"referral_id": sent.id, "categories": [HEALTH.value], "purposes": ASSESSMENT} | changes
        answer = await bench.client.post("/withdrawals/preview", json=asked, headers=bench.headers(CLINIC))
        assert answer.json() == {"changes": []}


async def test_the_command_reads_the_record_as_of_a_number(bench: Bench) -> None:
    """`tsunagu decide` shows each section with answer, reason in both languages, and the statement it rests on."""
    sent = await bench.refer()
    statement = (await bench.say(sent, GRANT, HEALTH)).json()["statement_id"]
    await bench.say(sent, WITHDRAW, HEALTH)
    url = bench.database.engine.url.render_as_string(hide_password=False)
    at = f"{bench.clock.now():%Y-%m-%dT%H:%M:%S}"

    def shown(*options: str) -> str:
        arguments = ["decide", sent.id, "--at", at, "--database-url", url, *options]
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
        assert done.exit_code == 0, done.output
        return next(line for line in done.output.splitlines() if sent.section(HEALTH) in line)

    before, after = shown("--as-of", "3"), shown()

    assert all(part in before for part in ("開ける / yes", "本人の同意があります", "granted", f"3 ({statement})"))
    assert all(part in after for part in ("開けない / no", "withdrawn_by_person", "4 ("))


async def test_the_command_knows_no_such_referral(bench: Bench) -> None:
    """An unknown referral is told so in both languages, with a non-zero status."""
    url = bench.database.engine.url.render_as_string(hide_password=False)

    done = CliRunner().invoke(app, ["decide", IDS.new(), "--database-url", url])

    assert done.exit_code == 1
    assert "referral_unknown" in done.output
