"""What is wrong with a message comes back to its sender on Kafka, and its neighbours never notice."""

import json
from collections.abc import AsyncIterator, Callable

import pytest

from deploy.network import EmbeddedNetwork
from tests.e2e.agencies import CLINIC, CLINIC_WORKER, DESK, folder_of, keys_of
from tests.faults.histories import parked, read_topics
from tests.infra.eventually import eventually
from tests.infra.kafka_clients import write
from tsunagu_agency import AgencyClient, Inbound, OutgoingMessage, ToAgency
from tsunagu_contracts import jose
from tsunagu_contracts.codes import Area, Category, Purpose, RefusalCode, ServiceFamily
from tsunagu_contracts.events.referral import MessageRefused
from tsunagu_contracts.manifests import MANIFEST_TYP
from tsunagu_contracts.topics import agency_inbound, agency_outbound

Change = Callable[[EmbeddedNetwork, bytes], bytes]


def changed(raw: bytes, **members: object) -> bytes:
    """The message with other members."""
    return json.dumps({**json.loads(raw), **members}).encode()


def resigned(network: EmbeddedNetwork, raw: bytes, **members: object) -> bytes:
    """The message with a manifest of other members, signed rightly."""
    content = {**jose.unverified_payload(json.loads(raw)["manifest"]), **members}
    return changed(raw, manifest=jose.sign(json.dumps(content).encode(), keys_of(network, CLINIC), typ=MANIFEST_TYP))


def with_body(raw: bytes, body: object) -> bytes:
    """The message with something else in the place of its first body."""
    bodies = json.loads(raw)["bodies"]
    return changed(raw, bodies={**bodies, next(iter(bodies)): body})


BAD: dict[str, tuple[Change, RefusalCode]] = {
    "malformed JSON": (lambda _, raw: raw[:-9], RefusalCode.MALFORMED_JSON),
    "nothing": (lambda _, raw: b"", RefusalCode.MALFORMED_JSON),
    "not UTF-8": (lambda _, raw: b"\xff\xfe" + raw, RefusalCode.NOT_UTF8),
    "very deep": (lambda _, raw: b'{"manifest":' + b"[" * 100_000, RefusalCode.MALFORMED_JSON),
    "unknown type": (
        lambda network, raw: resigned(network, raw, type="agency.referral.wish.v1"),
        RefusalCode.UNKNOWN_TYPE,
    ),
    "unknown version": (
        lambda network, raw: resigned(network, raw, type="agency.referral.submit.v7"),
        RefusalCode.UNKNOWN_VERSION,
    ),
    "a section that is no JWE": (lambda _, raw: with_body(raw, "in the clear"), RefusalCode.TOKEN_MALFORMED),
    "two recipients": (lambda _, raw: with_body(raw, {"recipients": [{}, {}]}), RefusalCode.JSON_SERIALISATION),
    "oversize": (lambda _, raw: changed(raw, more="x" * 930_000), RefusalCode.OVERSIZE),
    "another agency's name": (
        lambda network, raw: resigned(network, raw, source=f"agency/{DESK}"),
        RefusalCode.SENDER_MISMATCH,
    ),
}


@pytest.fixture
async def clinic(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The clinic's program."""
    async with AgencyClient.from_folder(folder_of(network, CLINIC), reader="refused") as client:
        await client.take_handles(len(BAD) + 4)
        yield client


def sealed(clinic: AgencyClient) -> OutgoingMessage:
    """A small referral to the desk."""
    return clinic.seal_referral(
        by=CLINIC_WORKER,
        to=ToAgency(agency=DESK),
        area=Area.MANSEIBASHI,
        service_family=ServiceFamily.DAILY_LIFE,
        purpose=Purpose.ASSESSMENT,
        contents={Category.IDENTITY: "試験 三郎"},
        person="refused",
    )


async def inbound(network: EmbeddedNetwork) -> list[Inbound]:
    """Everything that the clinic was ever told."""
    return [Inbound.read(each.value) for each in await read_topics(network, [agency_inbound(CLINIC)])]


async def answers(network: EmbeddedNetwork, offsets: set[int]) -> dict[int, MessageRefused]:
    """The refusals that name these offsets of the clinic's outbound topic."""
    said = [item.event.data for item in await inbound(network) if item.event is not None]
    refused = [data for data in said if isinstance(data, MessageRefused) and data.offset in offsets]
    assert len(refused) == len({data.offset for data in refused}), "each is answered once"
    return {data.offset: data for data in refused if data.offset is not None}


async def waiting(network: EmbeddedNetwork, referral_id: str) -> bool:
    """Whether the clinic was told that this referral waits for consent."""
    return ("referral.awaiting_consent", referral_id) in [
        (item.type, item.referral_id) for item in await inbound(network)
    ]


async def test_every_bad_message_is_answered_and_its_neighbours_go_on(
    network: EmbeddedNetwork, clinic: AgencyClient
) -> None:
    """Each gets its code with its place on the topic; the referrals around them go their way; nothing is parked."""
    parked_before = await parked(network)
    first, last = sealed(clinic), sealed(clinic)
    await clinic.publish(first)
    places = {}
    for name, (spoil, _) in BAD.items():
        good = sealed(clinic)
        # The same key as the good neighbours': what is wrong with one message holds up no other of its referral.
        where = await clinic.publish(OutgoingMessage(good.message_id, first.referral_id, spoil(network, good.raw)))
        places[where.offset] = name
    await clinic.publish(last)

    async def all_answered() -> dict[int, MessageRefused]:
        found = await answers(network, set(places))
        return found if len(found) == len(places) else {}

    codes = {places[offset]: data.code for offset, data in (await eventually(all_answered)).items()}
    assert codes == {name: code for name, (_, code) in BAD.items()}
    for good in (first, last):
        assert await eventually(lambda good=good: waiting(network, good.referral_id))  # type: ignore[misc]
    assert await parked(network) == parked_before


async def test_an_id_used_again_for_other_content_is_refused(network: EmbeddedNetwork, clinic: AgencyClient) -> None:
    """The same bytes again are answered as before; other bytes under the same id are a refusal that names it."""
    message = sealed(clinic)
    await clinic.publish(message)
    await clinic.publish(message)
    other = OutgoingMessage(
        message.message_id, message.referral_id, resigned(network, sealed(clinic).raw, id=message.message_id)
    )
    place = await clinic.publish(other)

    async def answered() -> dict[int, MessageRefused]:
        return await answers(network, {place.offset})

    refusal = (await eventually(answered))[place.offset]
    assert (refusal.code, refusal.message_id) == (RefusalCode.DUPLICATE_ID, message.message_id)
    assert await eventually(lambda: waiting(network, message.referral_id))


async def test_odd_keys_and_headers_stop_nobody(network: EmbeddedNetwork, clinic: AgencyClient) -> None:
    """A record without a usable key is answered, and the next referral goes on."""
    login = network.agency(CLINIC).kafka
    for key in (b"\xff\xfe", b"", b"x" * 2000):
        write(login, agency_outbound(CLINIC), b"{", key=key)
    message = sealed(clinic)
    await clinic.publish(message)
    assert await eventually(lambda: waiting(network, message.referral_id))
