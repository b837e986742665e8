import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from deploy.access import KafkaAccess
from deploy.network import EmbeddedNetwork
from tests.infra.kafka_clients import Refused, write
from tsunagu_agency.client import AgencyClient
from tsunagu_agency.inbound import Inbound
from tsunagu_agency.outgoing import ActingCoordinator, OutgoingMessage
from tsunagu_contracts.codes import Area, Category, Purpose, RefusalCode, ServiceFamily
from tsunagu_contracts.events.referral import MessageRefused
from tsunagu_contracts.manifests import ToAgency
from tsunagu_contracts.topics import agency_outbound

CLINIC, DESK = "chiyoda-clinic-a", "chiyoda-desk-manseibashi"
WORKER = ActingCoordinator(coordinator_id="c-0001", appointment_id="ap-0001")
LONGEST_WAIT_SECONDS = 60


@pytest.fixture
async def clinic(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The clinic's own program, with handles in stock."""
    folder = network.agency(CLINIC).keys_file.parent
    async with AgencyClient.from_folder(folder, reader="test-referral") as client:
        await client.take_handles(5)
        yield client


def sealed(clinic: AgencyClient) -> OutgoingMessage:
    """Seal a small referral to the desk."""
    return clinic.seal_referral(
        by=WORKER,
        to=ToAgency(agency=DESK),
        area=Area.MANSEIBASHI,
        service_family=ServiceFamily.DAILY_LIFE,
        purpose=Purpose.ASSESSMENT,
        contents={Category.IDENTITY: "試験 一郎", Category.CONTACT: "03-0000-0000"},
        person="karte-1",
    )


async def heard(clinic: AgencyClient, wanted: Callable[[list[Inbound]], bool]) -> list[Inbound]:
    """Read the clinic's inbound topic until what was heard satisfies `wanted`."""
    items: list[Inbound] = []

    async def listen() -> None:
        async for item in clinic.inbox():
            items.append(item)
            if wanted(items):
                return

    await asyncio.wait_for(listen(), LONGEST_WAIT_SECONDS)
    return items


def states_of(items: list[Inbound], message: OutgoingMessage) -> list[str | None]:
    """Return what was heard of one referral, in order."""
    return [item.type for item in items if item.referral_id == message.referral_id]


async def test_bad_messages_on_kafka_are_answered_and_their_neighbours_go_on(
    network: EmbeddedNetwork, clinic: AgencyClient
) -> None:
    """Garbage between two referrals comes back as a refusal with its place; both referrals reach `consent`."""
    before, after = sealed(clinic), sealed(clinic)
    await clinic.publish(before)
    garbage = OutgoingMessage("m-garbage", "r-garbage", before.raw[:-20])
    place = await clinic.publish(garbage)
    await clinic.publish(after)

    def both_wait(items: list[Inbound]) -> bool:
        return all("referral.awaiting_consent" in states_of(items, each) for each in (before, after))

    items = await heard(clinic, both_wait)
    refused = [item.event.data for item in items if item.event and isinstance(item.event.data, MessageRefused)]
    (answer,) = [data for data in refused if data.offset == place.offset]
    assert (answer.code, answer.topic) == (RefusalCode.MALFORMED_JSON, agency_outbound(CLINIC))
    for each in (before, after):
        assert states_of(items, each) == ["referral.submitted", "referral.awaiting_consent"]


async def test_the_same_bytes_by_kafka_and_http_end_in_the_same_place(
    network: EmbeddedNetwork, clinic: AgencyClient
) -> None:
    """A message sent both ways is one referral, with the same answer twice."""
    message = sealed(clinic)
    await clinic.publish(message)
    await heard(clinic, lambda items: "referral.awaiting_consent" in states_of(items, message))
    receipt = await clinic.submit(message, by=WORKER)
    assert (receipt.message_id, receipt.version, receipt.state.value) == (message.message_id, 1, "submitted")


async def test_an_agency_cannot_write_another_agencys_topic(network: EmbeddedNetwork, clinic: AgencyClient) -> None:
    """The broker itself refuses, before any signature is looked at."""
    login: KafkaAccess = network.agency(CLINIC).kafka
    with pytest.raises(Refused):
        await asyncio.to_thread(write, login, agency_outbound(DESK), sealed(clinic).raw)
