"""An agency's client against the whole network: real Kafka, real PostgreSQL, the services as processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from deploy.network import EmbeddedNetwork
from docs.examples.first_referral import main as first_referral
from tsunagu_agency import (
    ActingCoordinator,
    AgencyClient,
    Inbound,
    KafkaLogin,
    Network,
    NotPublishedError,
    OutgoingMessage,
    ProblemError,
    ToService,
)
from tsunagu_agency.keystore import Keystore
from tsunagu_contracts.codes import (
    Area,
    Category,
    Language,
    Outcome,
    Purpose,
    ReferralAct,
    ReferralState,
    ServiceFamily,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.notices import published

CLINIC, DESK = "chiyoda-clinic-a", "chiyoda-desk-manseibashi"
NURSE = ActingCoordinator(coordinator_id="c-0001", appointment_id="ap-0001")
WORKER = ActingCoordinator(coordinator_id="c-0003", appointment_id="ap-0003")
CONTENTS: dict[Category, str | bytes] = {
    Category.IDENTITY: "試験 太郎",
    Category.CONTACT: "03-9999-0000",
    Category.HEALTH: "通院中",
    Category.FINANCE: "年金のみ",
}
WAIT_SECONDS = 60.0
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def folder_of(network: EmbeddedNetwork, agency_id: str) -> Path:
    """The folder of an agency, as its own software has it."""
    return network.agency(agency_id).keys_file.parent


@pytest.fixture
async def clinic(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The clinic's client."""
    async with AgencyClient.from_folder(folder_of(network, CLINIC)) as client:
        yield client


@pytest.fixture
async def desk(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The desk's client."""
    async with AgencyClient.from_folder(folder_of(network, DESK)) as client:
        yield client


async def sealed(clinic: AgencyClient) -> OutgoingMessage:
    """A referral to whoever serves daily life in Manseibashi."""
    await clinic.take_handles(1)
    return clinic.seal_referral(
        by=NURSE,
        to=ToService(service_family=ServiceFamily.GENERAL_CONSULTATION, area=Area.MANSEIBASHI),
        purpose=Purpose.ASSESSMENT,
        contents=CONTENTS,
        person=f"karte-{id(clinic)}",
    )


async def heard(client: AgencyClient, referral_id: str, kind: str) -> Inbound:
    """Wait until the client's inbox says this of this referral."""
    return await asyncio.wait_for(client.hear(referral_id, kind), WAIT_SECONDS)


async def grant(clinic: AgencyClient, referral_id: str, *categories: Category) -> None:
    """Record the person's consent for these categories and the desk."""
    await clinic.record_statement(
        referral_id,
        StatementKind.GRANT,
        by=NURSE,
        categories=categories,
        recipients=[DESK],
        purposes=[Purpose.ASSESSMENT],
        how=StatementMethod.WRITTEN,
        notice=published(Language.JA).shown,
    )


async def test_a_referral_goes_from_one_agency_to_another_and_opens(clinic: AgencyClient, desk: AgencyClient) -> None:
    """Published, waiting for consent, granted, delivered, opened but for what was not granted, accepted, ended."""
    message = await sealed(clinic)
    published = await clinic.publish(message)
    assert published.topic == f"agency.{CLINIC}.outbound"
    await heard(clinic, message.referral_id, "referral.awaiting_consent")
    await grant(clinic, message.referral_id, Category.IDENTITY, Category.CONTACT, Category.HEALTH)

    item = await heard(desk, message.referral_id, "referral.delivered")
    assert item.delivery is not None
    assert item.version is not None
    opened = {}
    for section in item.delivery.sections:
        try:
            opened[section.category] = (await desk.open_section(item, section.section_id, by=WORKER)).text
        except ProblemError as error:
            refused = (section.category, error.code)
    assert opened == {category: text for category, text in CONTENTS.items() if category is not Category.FINANCE}
    assert refused == (Category.FINANCE, "not_covered")

    accepted = await desk.act(message.referral_id, ReferralAct.ACCEPT, by=WORKER, expected_version=item.version)
    assert accepted.state is ReferralState.ACCEPTED
    await heard(clinic, message.referral_id, "referral.accepted")
    fetched = await desk.fetch_delivery(message.referral_id, by=WORKER)
    assert fetched.bodies == item.bodies
    started = desk.write_act(message.referral_id, ReferralAct.START, by=WORKER, expected_version=accepted.version)
    await desk.publish(started)
    version = (await heard(desk, message.referral_id, "referral.started")).version
    assert version is not None
    ended = await desk.act(
        message.referral_id,
        ReferralAct.COMPLETE,
        by=WORKER,
        expected_version=version,
        outcome=Outcome.HELPED_IN_FULL,
    )
    assert ended.state is ReferralState.COMPLETED


async def test_the_same_message_over_kafka_and_http_counts_once(clinic: AgencyClient) -> None:
    """Published and then submitted, the referral is the one it was."""
    message = await sealed(clinic)
    first = await clinic.submit(message, by=NURSE)
    await clinic.publish(message)
    again = await clinic.submit(message, by=NURSE)
    assert (first.message_id, first.referral_id) == (again.message_id, again.referral_id)
    assert first.version == again.version == 1


async def test_one_trace_leads_from_publishing_to_the_answer(clinic: AgencyClient) -> None:
    """What comes back to the agency belongs to the trace in which it published."""
    started = SpanContext(trace_id=0x1234567890ABCDEF << 64 | 1, span_id=7, is_remote=False, trace_flags=SAMPLED)
    message = await sealed(clinic)
    with use_span(NonRecordingSpan(started)):
        await clinic.publish(message)
    item = await heard(clinic, message.referral_id, "referral.awaiting_consent")
    assert item.traceparent is not None
    assert item.traceparent.split("-")[1] == f"{started.trace_id:032x}"


async def test_the_first_referral_of_the_readme_arrives(
    network: EmbeddedNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example runs as it stands and ends with what is to be asked of the person."""
    await asyncio.wait_for(first_referral(str(folder_of(network, CLINIC))), WAIT_SECONDS)
    assert capsys.readouterr().out.startswith("referral.awaiting_consent ")


async def test_what_was_handed_out_and_not_followed_comes_again(clinic: AgencyClient, network: EmbeddedNetwork) -> None:
    """A program that ends while it handles an item gets that item again, and none before it."""
    message = await sealed(clinic)
    await clinic.submit(message, by=NURSE)
    await heard(clinic, message.referral_id, "referral.submitted")
    await clinic.close()
    async with AgencyClient.from_folder(folder_of(network, CLINIC)) as restarted:
        first = await asyncio.wait_for(anext(restarted.inbox()), WAIT_SECONDS)
    assert (first.referral_id, first.type) == (message.referral_id, "referral.submitted")


async def test_an_agency_cannot_write_on_anothers_topic(network: EmbeddedNetwork, clinic: AgencyClient) -> None:
    """With its own Kafka login, an agency that claims to be another is refused by the broker."""
    message = await sealed(clinic)
    login = network.agency(DESK).kafka
    mixed = Network(
        KafkaLogin(login.bootstrap, login.username, login.password),
        network.addresses,
        Network.from_folder(folder_of(network, CLINIC)).handles_key,
        Network.from_folder(folder_of(network, CLINIC)).person_ref_key,
    )
    async with AgencyClient(Keystore.open(folder_of(network, CLINIC)), mixed) as imposter:
        with pytest.raises(NotPublishedError) as caught:
            await imposter.publish(message)
    assert "TopicAuthorizationFailedError" in str(caught.value)
