"""An agency's software asks, lists, answers and reports through its client, with the real service behind it."""

import json
from datetime import timedelta
from pathlib import Path

import httpx

from tests.builders.agency_messages import SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, Bench
from tests.unit.agency.fake_services import NOWHERE
from tsunagu_agency import (
    ActingCoordinator,
    AgencyClient,
    Category,
    Language,
    Network,
    PersonChange,
    Purpose,
    RequestKind,
    ReviewAnswer,
    StatementKind,
    StatementMethod,
    notices,
)
from tsunagu_agency.files import write_private
from tsunagu_agency.keystore import Keystore


def client(bench: Bench, folder: Path, agency: SendingAgency) -> AgencyClient:
    """The agency's client, whose calls reach the bench."""
    folder.mkdir()
    keys = {
        "agency_id": agency.id,
        "signing": agency.signing.private_jwk(),
        "encryption": agency.encryption.private_jwk(),
    }
    write_private(folder / "keys.json", json.dumps(keys).encode())

    async def forward(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        answer = await bench.client.request(request.method, path, content=request.content, headers=request.headers.raw)
        return httpx.Response(answer.status_code, content=answer.content)

    keys_of = bench.custody.keys
    network = Network(NOWHERE, {"consent": "http://consent"}, keys_of.certifying.public, keys_of.person_ref.public)
    return AgencyClient(Keystore.open(folder), network, clock=bench.clock, transport=httpx.MockTransport(forward))


def worker(agency: SendingAgency) -> ActingCoordinator:
    """The agency's coordinator."""
    return ActingCoordinator(coordinator_id=agency.coordinator, appointment_id=agency.appointment)


async def test_asking_by_the_client(bench: Bench, tmp_path: Path) -> None:
    """The desk asks, the clinic finds it and records the person's word to a published notice, and reviews a change."""
    sent = await bench.refer()
    clinic, desk = client(bench, tmp_path / "clinic", CLINIC), client(bench, tmp_path / "desk", DESK)
    asked = await desk.asking.ask(
        sent.id,
        by=worker(DESK),
        categories=[Category.HEALTH],
        purposes=[Purpose.ASSESSMENT],
        recipients=None,
        deadline=bench.clock.now() + timedelta(days=7),
    )
    [found] = [each async for each in clinic.asking.open(by=worker(CLINIC))]
    assert (found.request_id, found.kind, found.recipients) == (asked.request_id, RequestKind.ASKED, None)

    bench.clock.at += timedelta(seconds=1)
    await clinic.record_statement(
        sent.id,
        StatementKind.GRANT,
        by=worker(CLINIC),
        categories=found.categories,
        recipients=found.recipients,
        purposes=found.purposes,
        how=StatementMethod.WRITTEN,
        notice=notices.published(Language.JA_EASY).shown,
    )
    assert [each async for each in clinic.asking.open(by=worker(CLINIC))] == []

    await desk.asking.report_change(sent.id, PersonChange.MOVED_AWAY, by=worker(DESK))
    [review] = [each async for each in clinic.asking.open(by=worker(CLINIC))]
    assert (review.kind, review.change) == (RequestKind.CHANGE_REVIEW, PersonChange.MOVED_AWAY)
    await clinic.asking.answer_review(review.request_id, ReviewAnswer.NOTHING_TO_CHANGE, by=worker(CLINIC))
    assert [each async for each in clinic.asking.open(by=worker(CLINIC))] == []
