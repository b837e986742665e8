"""Evidence through an agency's client on the whole network: sealed, named, kept, counted, and opened by two."""

from contextlib import AsyncExitStack

from deploy.network import EmbeddedNetwork
from tests.service.test_agency_on_network import DESK, WORKER, folder_of, heard, sealed
from tsunagu_agency import (
    ActingCoordinator,
    AgencyClient,
    Category,
    DisputeGround,
    Language,
    Purpose,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.notices import published

COUNCILS = ("chiyoda-council", "minato-council")
LEADS = tuple(ActingCoordinator(coordinator_id=f"c-{each}", appointment_id=f"ap-{each}") for each in ("0016", "0038"))
FORM = b"%PDF-1.7\n% an invented form\n" + bytes(1 << 20)


async def test_evidence_is_sealed_counts_and_is_opened_by_both_custodians(network: EmbeddedNetwork) -> None:
    """Spoken consent that the desk alone has heard opens once its evidence is kept; both councils together read it."""
    async with AsyncExitStack() as stack:
        clinic, desk, *councils = [
            await stack.enter_async_context(AgencyClient.from_folder(folder_of(network, each)))
            for each in ("chiyoda-clinic-a", DESK, *COUNCILS)
        ]
        message = await sealed(clinic)
        await clinic.publish(message)
        await heard(clinic, message.referral_id, "referral.awaiting_consent")
        evidence = await desk.evidence.seal(FORM, custodians=COUNCILS)
        said = await desk.record_statement(
            message.referral_id,
            StatementKind.GRANT,
            by=WORKER,
            categories=[Category.HEALTH],
            recipients=[DESK],
            purposes=[Purpose.ASSESSMENT],
            how=StatementMethod.SPOKEN,
            notice=published(Language.JA).shown,
            evidence=evidence.digest,
        )
        for _ in range(2):
            await desk.evidence.store(
                evidence, referral_id=message.referral_id, statement_id=said.statement_id, by=WORKER
            )
        item = await heard(desk, message.referral_id, "referral.delivered")
        assert item.delivery is not None
        [health] = [each for each in item.delivery.sections if each.category is Category.HEALTH]
        assert (await desk.open_section(item, health.section_id, by=WORKER)).text == "通院中"

        ground, dispute = DisputeGround.PERSON_DISPUTES, f"d-{message.referral_id}"
        opened = [
            await council.evidence.open(evidence.evidence_id, dispute, ground, by=lead)
            for council, lead in [*zip(councils, LEADS, strict=True), (councils[0], LEADS[0])]
        ]
        assert opened == [None, FORM, FORM]
