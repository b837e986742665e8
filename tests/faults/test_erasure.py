"""Erasure on the whole network: a crash before keys are destroyed, and old backups of database and keys put back."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.network import EmbeddedNetwork
from deploy.provisioning.databases import connect
from tests.e2e.agencies import DESK, DESK_WORKER, folder_of
from tests.e2e.test_both_ways import reached
from tests.faults.histories import rows
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tsunagu_agency import ActingCoordinator, AgencyClient, ProblemError, ToAgency
from tsunagu_contracts.codes import Area, Category, Language, Purpose, ServiceFamily, StatementKind, StatementMethod
from tsunagu_contracts.notices import published

pytestmark = pytest.mark.faults

COUNCIL, SUPERVISOR = "chiyoda-council", ActingCoordinator(coordinator_id="c-0016", appointment_id="ap-0016")
NOTICE = published(Language.JA).shown


@pytest.fixture
async def council(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The council's program, whose supervisor may erase."""
    async with AgencyClient.from_folder(folder_of(network, COUNCIL), reader="erasure") as client:
        yield client


@pytest.fixture
async def desk(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The desk's program."""
    async with AgencyClient.from_folder(folder_of(network, DESK), reader="erasure") as client:
        yield client


async def consented(network: EmbeddedNetwork, council: AgencyClient, reference: str) -> tuple[str, Path]:
    """A referral to the desk, which may open all of it, and where its handle's key is."""
    await council.take_handles(1)
    message = council.seal_referral(
        by=SUPERVISOR,
        to=ToAgency(agency=DESK),
        area=Area.MANSEIBASHI,
        service_family=ServiceFamily.DAILY_LIFE,
        purpose=Purpose.ASSESSMENT,
        contents={Category.CONTACT: "03-0000-0000"},
        person=reference,
    )
    await council.publish(message)
    await reached(network, message.referral_id, "awaiting_consent")
    await council.record_statement(
        message.referral_id,
        StatementKind.GRANT,
        by=SUPERVISOR,
        categories=[Category.CONTACT],
        recipients=None,
        purposes=[Purpose.ASSESSMENT],
        how=StatementMethod.WRITTEN,
        notice=NOTICE,
    )
    await reached(network, message.referral_id, "delivered")
    query = "SELECT handle_id FROM referrals WHERE referral_id = $1"
    [[handle_id]] = await rows(network, "consent", query, message.referral_id)
    return message.referral_id, network.data.keystore / "handles" / str(handle_id)[-2:] / f"{handle_id}.json"


async def refusal(desk: AgencyClient, referral_id: str) -> str:
    """With which code the desk is refused the one section of a delivered referral."""
    item = await desk.fetch_delivery(referral_id, by=DESK_WORKER)
    with pytest.raises(ProblemError) as refused:
        await desk.open_section(item, next(iter(item.bodies)), by=DESK_WORKER)
    return str(refused.value.code)


async def test_a_crash_before_the_keys_are_destroyed(
    network: EmbeddedNetwork, council: AgencyClient, desk: AgencyClient
) -> None:
    """Kill -9 between the commit and the destruction: after the next start the key is gone."""
    referral_id, key = await consented(network, council, "crash")
    # While a file stands where the marks of destroyed keys go, none can be destroyed.
    marks = network.data.keystore / "erased"
    aside = marks.with_name("erased-aside")
    if marks.exists():
        marks.rename(aside)
    marks.write_text("in the way")
    try:
        await council.erase_person(referral_id, by=SUPERVISOR, how=StatementMethod.WRITTEN, notice=NOTICE)
        assert key.exists()
        network.kill("consent")
    finally:
        marks.unlink()
        if aside.exists():
            aside.rename(marks)
    assert key.exists()

    network.revive("consent")

    async def destroyed() -> bool:
        query = "SELECT 1 FROM erasures WHERE destroyed_at IS NULL"
        return not await rows(network, "consent", query)

    await eventually(destroyed)
    assert not key.exists()
    assert await refusal(desk, referral_id) == "person_erased"


async def test_old_backups_of_everything_bring_nobody_back(
    network: EmbeddedNetwork, infra: Infrastructure, council: AgencyClient, desk: AgencyClient
) -> None:
    """Put back as they stood before an erasure and a withdrawal: both hold when consent is ready again."""
    erased, key = await consented(network, council, "old backup")
    withdrawn, _ = await consented(network, council, "old backup, withdrawn")
    store, copy = network.data.keystore, network.data.keystore.with_name("keystore-old")
    name = network.database("consent").database
    network.kill("consent")
    async with connect(infra.postgres) as admin:
        await admin.execute(f'CREATE DATABASE "{name}_old" TEMPLATE "{name}" OWNER "{name}"')
        await admin.execute(f'REVOKE ALL ON DATABASE "{name}_old" FROM PUBLIC')
    shutil.copytree(store, copy)
    network.revive("consent")
    await council.record_statement(
        withdrawn,
        StatementKind.WITHDRAW,
        by=SUPERVISOR,
        categories=[Category.CONTACT],
        recipients=None,
        purposes=[Purpose.ASSESSMENT],
        how=StatementMethod.WRITTEN,
        notice=NOTICE,
    )
    await council.erase_person(erased, by=SUPERVISOR, how=StatementMethod.WRITTEN, notice=NOTICE)
    later, _ = await consented(network, council, "after the backup")

    network.kill("consent")
    async with connect(infra.postgres) as admin:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.execute(f'ALTER DATABASE "{name}_old" RENAME TO "{name}"')
    # What was issued since the backup of the keys would be lost with it; that of the erased is what must not come back.
    key.parent.mkdir(exist_ok=True)
    shutil.copy(copy / key.relative_to(store), key)
    shutil.rmtree(store / "erased")
    shutil.rmtree(copy)
    network.revive("consent")

    assert not key.exists()
    assert await refusal(desk, erased) == "person_erased"
    assert await refusal(desk, withdrawn) in ("not_covered", "referral_not_open")

    async def back() -> bool:
        query = "SELECT 1 FROM referrals WHERE referral_id = $1 AND capsule IS NOT NULL"
        return bool(await rows(network, "consent", query, later))

    await eventually(back)
    item = await desk.fetch_delivery(later, by=DESK_WORKER)
    assert (await desk.open_section(item, next(iter(item.bodies)), by=DESK_WORKER)).text == "03-0000-0000"
