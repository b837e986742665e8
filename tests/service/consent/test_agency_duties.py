"""An agency's own software does its duties against the real service."""

import json
from pathlib import Path

from tests.builders.consent_bench import CLINIC, DESK, Bench
from tests.unit.agency.fake_services import NOWHERE
from tsunagu_agency import (
    ActingCoordinator,
    AgencyClient,
    CaseEnd,
    CaseKind,
    CaseRefusal,
    CaseWay,
    Category,
    DisclosureGround,
    DisclosureWay,
    Keystore,
    Network,
    OutsideBody,
    ProvisionSide,
    StatementKind,
)
from tsunagu_agency.files import write_private
from tsunagu_contracts.events.consent import DisclosureRecorded


async def test_openings_disclosures_and_cases_by_the_client(bench: Bench, tmp_path: Path) -> None:
    """What the client signs is taken, what it reads is what consent has, and its own part is answered by it."""
    sent = await bench.refer()
    await bench.say(sent, StatementKind.GRANT, Category.HEALTH)
    bench.opened(await bench.ask(sent))
    by = ActingCoordinator(coordinator_id=CLINIC.coordinator, appointment_id=CLINIC.appointment)
    keys = {"signing": CLINIC.signing.private_jwk(), "encryption": CLINIC.encryption.private_jwk()}
    write_private(tmp_path / "clinic" / "keys.json", json.dumps({"agency_id": CLINIC.id, **keys}).encode())
    trusted = bench.custody.keys.certifying.public, bench.custody.keys.person_ref.public
    network = Network(NOWHERE, {"consent": "http://consent"}, *trusted)
    transport = bench.client._transport
    client = AgencyClient(Keystore.open(tmp_path / "clinic"), network, clock=bench.clock, transport=transport)

    [opening] = (await client.openings.page(after="", by=by)).items
    assert (opening.side, opening.counterpart, opening.referral_id) == (ProvisionSide.PROVIDED, DESK.id, sent.id)
    for to in (OutsideBody.POLICE, DESK.id):
        await client.disclosures.record(
            sent.id, DisclosureGround.BY_LAW_27_1_1, DisclosureWay.PAPER, [Category.IDENTITY], by=by, to=to
        )
    said = [data for _, data in await bench.heard(DisclosureRecorded)]
    assert [(each.to_body, each.to_agency) for each in said] == [(OutsideBody.POLICE, None), (None, DESK.id)]

    receipt = await client.cases.open(sent.id, CaseKind.CORRECTION, CaseWay.IN_PERSON, by=by)
    [part] = [each async for each in client.cases.parts(by=by)]
    assert (part.case_id, part.due_at) == (receipt.case_id, receipt.due_at)
    refused = CaseRefusal.CORRECT_ALREADY_34_2
    await client.cases.answer(part.part_id, CaseEnd.REFUSED_BY_LAW, by=by, refused_under=refused)
    assert [each async for each in client.cases.parts(by=by)] == []
    [over] = [each async for each in client.cases.parts(by=by, answered=True)]
    assert over.ended_as is CaseEnd.REFUSED_BY_LAW
