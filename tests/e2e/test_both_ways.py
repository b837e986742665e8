"""Kafka and HTTP are two doors to one place."""

import json
import re
from collections.abc import AsyncIterator

import pytest

from deploy.network import EmbeddedNetwork
from tests.e2e.agencies import CLINIC, CLINIC_WORKER, DESK, DESK_WORKER, folder_of
from tests.faults.histories import Recorded, read_topics, rows, versions
from tests.faults.traffic import NOTICE
from tests.infra.eventually import eventually
from tsunagu_agency import AgencyClient, OutgoingMessage, ProblemError, ToAgency
from tsunagu_contracts.codes import Area, Category, Purpose, ReferralAct, ServiceFamily, StatementKind, StatementMethod
from tsunagu_contracts.topics import TOPICS, agency_inbound

CONTENTS: dict[Category, str | bytes] = {Category.IDENTITY: "試験 二郎", Category.CONTACT: "00-0000-0000"}


@pytest.fixture
async def clinic(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The clinic's program."""
    async with AgencyClient.from_folder(folder_of(network, CLINIC), reader="both-ways") as client:
        yield client


@pytest.fixture
async def desk(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The desk's program."""
    async with AgencyClient.from_folder(folder_of(network, DESK), reader="both-ways") as client:
        yield client


async def sealed(clinic: AgencyClient, person: str) -> OutgoingMessage:
    """A referral of two sections to the desk."""
    await clinic.take_handles(1)
    return clinic.seal_referral(
        by=CLINIC_WORKER,
        to=ToAgency(agency=DESK),
        area=Area.MANSEIBASHI,
        service_family=ServiceFamily.DAILY_LIFE,
        purpose=Purpose.ASSESSMENT,
        contents=CONTENTS,
        person=person,
    )


async def granted(clinic: AgencyClient, referral_id: str) -> None:
    """Record the person's consent as soon as `consent` knows the referral."""

    async def recorded() -> bool:
        try:
            await clinic.record_statement(
                referral_id,
                StatementKind.GRANT,
                by=CLINIC_WORKER,
                categories=[Category.IDENTITY],
                recipients=[DESK],
                purposes=[Purpose.ASSESSMENT],
                how=StatementMethod.WRITTEN,
                notice=NOTICE,
            )
        except ProblemError:
            return False
        return True

    await eventually(recorded)


async def state_of(network: EmbeddedNetwork, referral_id: str) -> tuple[object, ...]:
    """Where a referral stands in the database of `referral`."""
    found = await rows(
        network,
        "referral",
        "SELECT state, version, sender, addressee, lead_coordinator, (SELECT count(*) FROM bodies b "
        "WHERE b.referral_id = r.referral_id) FROM referrals r WHERE referral_id = $1",
        referral_id,
    )
    return found[0] if found else ()


async def reached(network: EmbeddedNetwork, referral_id: str, state: str) -> None:
    """Wait until a referral has come to this state."""

    async def there() -> bool:
        return (await state_of(network, referral_id))[:1] == (state,)

    await eventually(there)


async def logged(network: EmbeddedNetwork, referral_id: str) -> list[str]:
    """What the log has of a referral: its events in order and those they brought about, ids and times left out."""
    query = """
        SELECT topic, partition, "offset", value FROM log_entries WHERE position($1::bytea IN value) > 0
        ORDER BY topic, partition, "offset"
    """
    found = await rows(network, "audit", query, referral_id.encode())
    values = [value for *_, value in found if isinstance(value, bytes)]
    return sorted(_shape(value) for value in values)


def _shape(value: bytes) -> str:
    """An event with everything replaced that is another one's own: ids, times, digests, tokens."""
    text = json.dumps(json.loads(value), sort_keys=True)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"eyJ[\w-]+(\.[\w-]*)+", "<token>", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
    return re.sub(r'"[\w-]{43}"', '"<digest>"', text)


async def heard(network: EmbeddedNetwork, agency_id: str, referral_id: str) -> list[str]:
    """What an agency was told of a referral, in order, without what is another one's own."""
    records: list[Recorded] = await read_topics(network, [agency_inbound(agency_id)])
    return [_shape(record.value) for record in records if record.key == referral_id]


async def test_the_same_referral_by_kafka_and_by_http_ends_in_the_same_place(
    network: EmbeddedNetwork, clinic: AgencyClient, desk: AgencyClient
) -> None:
    """Submitted, granted, delivered and accepted either way: state, inbound topics and log tell the same."""
    by_kafka, by_http = await sealed(clinic, "both ways 1"), await sealed(clinic, "both ways 2")
    await clinic.publish(by_kafka)
    await clinic.submit(by_http, by=CLINIC_WORKER)
    for message in (by_kafka, by_http):
        await granted(clinic, message.referral_id)
        await reached(network, message.referral_id, "delivered")
    version = int(str((await state_of(network, by_kafka.referral_id))[1]))
    accepted = desk.write_act(by_kafka.referral_id, ReferralAct.ACCEPT, by=DESK_WORKER, expected_version=version)
    await desk.publish(accepted)
    await desk.act(by_http.referral_id, ReferralAct.ACCEPT, by=DESK_WORKER, expected_version=version)
    for message in (by_kafka, by_http):
        await reached(network, message.referral_id, "accepted")

    assert await state_of(network, by_kafka.referral_id) == await state_of(network, by_http.referral_id)

    async def same_log() -> bool:
        one, other = await logged(network, by_kafka.referral_id), await logged(network, by_http.referral_id)
        return len(one) >= 9 and one == other

    assert await eventually(same_log)
    for agency_id in (CLINIC, DESK):

        async def same_inbound(agency_id: str = agency_id) -> bool:
            one = await heard(network, agency_id, by_kafka.referral_id)
            return len(one) >= 2 and one == await heard(network, agency_id, by_http.referral_id)

        assert await eventually(same_inbound)


async def test_the_very_bytes_by_both_doors_count_once(network: EmbeddedNetwork, clinic: AgencyClient) -> None:
    """Whichever comes first decides; the other is answered the same and leaves nothing more than an answer."""
    for http_first in (True, False):
        message = await sealed(clinic, f"twice {http_first}")
        if http_first:
            first = await clinic.submit(message, by=CLINIC_WORKER)
            await clinic.publish(message)
        else:
            await clinic.publish(message)
            await reached(network, message.referral_id, "awaiting_consent")
            first = await clinic.submit(message, by=CLINIC_WORKER)
        assert (first.version, first.state.value) == (1, "submitted")
        again = await clinic.submit(message, by=CLINIC_WORKER)
        assert again == first
        await reached(network, message.referral_id, "awaiting_consent")
        said = await read_topics(network, [topic.name for topic in TOPICS])
        types = [event.type for event in versions(said, {})[f"referral:{message.referral_id}"].events]
        assert types == ["referral.submitted.v1", "referral.awaiting_consent.v1"]
