"""Statements given out in formats that others read: to whom, and what is not among it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent, resigned
from tests.published import dpv, fhir
from tsunagu_contracts.codes import Area, Category, StatementKind, StatementMethod
from tsunagu_contracts.events.consent import StatementRecorded
from tsunagu_contracts.manifests import ToAgency

GRANT, REFUSE, WITHDRAW, CONFIRM = StatementKind
HEALTH = Category.HEALTH


async def exported(bench: Bench, statement_id: str, format_: str = "fhir", by: SendingAgency = DESK) -> Any:
    """The statement as an agency gets it."""
    answer = await bench.client.get(
        f"/statements/{statement_id}", params={"format": format_}, headers=bench.headers(by)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def said(bench: Bench, sent: Sent, kind: StatementKind, **changes: object) -> str:
    """Say something of the health section; returns the statement's id."""
    answer = await bench.say(sent, kind, HEALTH, **changes)  # type: ignore[arg-type]  # the same changes, passed on
    return str(answer.json()["statement_id"])


async def second_referral(bench: Bench) -> Sent:
    """Another referral of the person whom the clinic calls "one", to the NPO."""
    sent = await bench.sealed_referral(reference="one", to=ToAgency(agency=NPO.id))
    sent = resigned(sent, CLINIC, addressee=NPO.id)
    await bench.take_in(sent)
    return sent


@pytest.mark.parametrize("by", [CLINIC, DESK], ids=["sender", "addressee"])
async def test_a_party_reads_a_statement(bench: Bench, by: SendingAgency) -> None:
    """Both parties of the referral get what was said in both formats, valid by their published definitions."""
    sent = await bench.refer()
    guardian = await bench.name_representative(sent)
    until = bench.clock.now() + timedelta(days=90)
    granted = await said(
        bench, sent, GRANT, representative=guardian, valid_until=until, disaster_in=Area.FUJIMI, recipients=None
    )
    await said(bench, sent, CONFIRM, confirms=granted)
    await bench.post("/countersignatures", DESK.countersignature(sent.id, granted), by=DESK)

    resource, record = [await exported(bench, granted, each, by) for each in ("fhir", "dpv")]

    assert (fhir.faults(resource), dpv.faults(record)) == ([], [])
    assert len(resource["verification"]) == 2
    assert resource["patient"]["identifier"]["value"] in record["dpv:hasDataSubject"]["@id"]
    (_, event), *_ = await bench.heard(StatementRecorded)
    assert event.record_id not in json.dumps([resource, record])


async def test_nobody_else_reads_it(bench: Bench) -> None:
    """A stranger is answered for a statement as for none, and a party of another referral of the person too."""
    first, second = await bench.refer(reference="one"), await second_referral(bench)
    through_first, through_second = await said(bench, first, GRANT), await said(bench, second, GRANT)

    async def refused(statement_id: str, by: SendingAgency) -> tuple[int, object]:
        answer = await bench.client.get(f"/statements/{statement_id}", headers=bench.headers(by))
        return answer.status_code, answer.json()

    answers = [
        await refused(through_first, NPO),
        await refused(through_second, DESK),
        await refused(IDS.new(), DESK),
    ]

    assert answers[0][0] == 404
    assert answers[1:] == answers[:1] * 2


async def test_a_party_learns_nothing_of_other_referrals(bench: Bench) -> None:
    """What was recorded elsewhere is in no export, but that the word no longer counts, as coverage says it."""
    first, second = await bench.refer(reference="one"), await second_referral(bench)
    granted = await said(bench, first, GRANT, how=StatementMethod.SPOKEN, recipients=None)
    await said(bench, second, CONFIRM, confirms=granted)
    signed = await bench.post("/countersignatures", NPO.countersignature(second.id, granted), by=NPO)
    assert signed.status_code == 201
    counting = await exported(bench, granted)
    bench.clock.at += timedelta(minutes=1)
    taken_back = await said(bench, second, WITHDRAW, recipients=None)
    bench.clock.at += timedelta(minutes=1)

    resource, record = await exported(bench, granted), await exported(bench, granted, "dpv")

    assert (counting["status"], resource["status"]) == ("active", "inactive")
    assert "verification" not in counting
    told = json.dumps([counting, resource, record])
    assert all(hidden not in told for hidden in (NPO.id, taken_back, second.id))
    assert [each["@type"] for each in record["dpv:hasConsentStatus"]] == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    now = bench.clock.now().isoformat().replace("+00:00", "Z")
    assert record["dpv:hasConsentStatus"][1]["dpv:isIndicatedAtTime"] == now


async def test_the_command_writes_out_a_referral(bench: Bench) -> None:
    """`tsunagu export consent` writes everything said through a referral, with all who vouch for it, as of a moment."""
    first, second = await bench.refer(reference="one"), await second_referral(bench)
    granted = await said(bench, first, GRANT, how=StatementMethod.SPOKEN)
    await bench.post("/countersignatures", NPO.countersignature(second.id, granted), by=NPO)
    before = f"{bench.clock.now():%Y-%m-%dT%H:%M:%S}"
    bench.clock.at += timedelta(minutes=1)
    await said(bench, first, WITHDRAW)
    url = bench.database.engine.url.render_as_string(hide_password=False)

    def written(format_: str, at: str) -> Any:
        arguments = ["export", "consent", first.id, "--format", format_, "--at", at, "--database-url", url]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    then, now = written("fhir", before), written("fhir", f"{bench.clock.now():%Y-%m-%dT%H:%M:%S}")
    resources = [entry["resource"] for entry in now["entry"]]
    records = written("dpv", before)

    assert [entry["resource"]["status"] for entry in then["entry"]] == ["active"]
    assert [resource["status"] for resource in resources] == ["inactive", "active"]
    assert NPO.id in json.dumps(resources[0]["verification"])
    assert NPO.id in json.dumps(records)
    assert [fhir.faults(each) for each in (then, *resources)] == [[], [], []]
    assert dpv.faults(records) == []


async def test_the_command_knows_no_such_referral(bench: Bench) -> None:
    """An unknown referral is told so, with a non-zero status; the lists of codes need no database."""
    url = bench.database.engine.url.render_as_string(hide_password=False)

    unknown = CliRunner().invoke(app, ["export", "consent", IDS.new(), "--database-url", url])
    codes = CliRunner().invoke(app, ["export", "codes"])

    assert (unknown.exit_code, "referral_unknown" in unknown.output) == (1, True)
    assert [fhir.faults(each) for each in json.loads(codes.output)] == [[]] * 7
