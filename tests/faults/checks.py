"""What must hold of the records of a run, however often its processes were killed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from deploy.network import EmbeddedNetwork
from tests.faults.histories import CONSUMING, Recorded, Versions, ends, parked, read_topics, rows, versions
from tests.faults.journeys import Journey, Told
from tests.faults.recording import recorded
from tests.faults.traffic import CONTENTS
from tests.faults.verdicts import appeared, followed, once, walked
from tsunagu_agency import OutgoingMessage
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.events.consent import RecordReferralLinked
from tsunagu_contracts.events.notify import NotificationCreated
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.topics import (
    SERVICES,
    TOPICS,
    Topic,
    agency_inbound,
    agency_outbound,
    consumed_by,
    topic_of_aggregate,
)


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before the run began, and is no business of it."""

    ends: Mapping[tuple[str, int], int]
    parked: Mapping[str, Collection[tuple[object, ...]]]
    findings: int


async def look_before(network: EmbeddedNetwork) -> Before:
    """Note what earlier tests have left."""
    said = await read_topics(network, [topic.name for topic in TOPICS])
    return Before(ends(said), await parked(network), await _findings(network))


async def check_everything_took_effect_once(
    network: EmbeddedNetwork, journeys: Sequence[Journey], acknowledged: Sequence[OutgoingMessage], before: Before
) -> int:
    """Check topics, databases and what consumers recorded (`recording`) against each other and the plan.

    `acknowledged` are the messages with which the agencies brought the journeys about. Returns how many records
    Kafka has more than once.
    """
    said = await read_topics(network, [topic.name for topic in TOPICS])
    streams = versions(said, before.ends)
    assert [each for stream in streams.values() for each in stream.misplaced] == []
    _check_events(streams, journeys)
    repeated = await _check_inbound(network, journeys)
    outbound = await read_topics(network, [agency_outbound(sender) for sender in senders(journeys)])
    await _check_messages(network, outbound, acknowledged)
    await _check_states(network, journeys)
    await _check_inboxes(network, streams, journeys)
    await _check_log(network, said, streams, before)
    await _check_heads(network, streams)
    await _check_recorded(network, [*said, *outbound], streams)
    for service, rows_parked in (await parked(network)).items():
        assert set(rows_parked) <= set(before.parked[service]), service
    return repeated + sum(stream.repeated for stream in streams.values())


def senders(journeys: Collection[Journey]) -> list[str]:
    """The agencies that have published something on the way."""
    acting = {journey.route.addressee for journey in journeys if journey.acts}
    return sorted({journey.route.sender for journey in journeys} | acting)


def _check_events(streams: Mapping[str, Versions], journeys: Collection[Journey]) -> None:
    """Each referral went its way, was covered once, linked to one record, and told to each who is to know, once."""
    for journey in journeys:
        name = f"referral:{journey.referral_id}"
        assert name in streams, f"{name} was acknowledged and never said"
        assert [event.type for event in streams[name].events] == journey.types, name
        assert len(streams[f"coverage:{journey.referral_id}"].events) == 1, name
    events = [event for stream in streams.values() for event in stream.events]
    ours = {journey.referral_id for journey in journeys}
    linked = [event.data.referral_id for event in events if isinstance(event.data, RecordReferralLinked)]
    assert once("linked", (each for each in linked if each in ours), ours) == []
    told = (
        Told(event.data.referral_id, event.data.referral_version, event.data.coordinator_id, event.data.message)
        for event in events
        if isinstance(event.data, NotificationCreated) and event.data.referral_id in ours
    )
    assert once("said to be told", told, _told(journeys)) == []


def _told(journeys: Collection[Journey]) -> list[Told]:
    return [told for journey in journeys for told in journey.told]


async def _check_inbound(network: EmbeddedNetwork, journeys: Collection[Journey]) -> int:
    """Each agency was told each version in order: what stands there again has the very same bytes."""
    repeated = 0
    for agency_id in {agency_id for journey in journeys for agency_id in journey.heard}:
        wanted = {each.referral_id: each.heard[agency_id] for each in journeys if agency_id in each.heard}
        heard: dict[str, list[tuple[int, bytes]]] = {referral_id: [] for referral_id in wanted}
        for record in await read_topics(network, [agency_inbound(agency_id)]):
            if record.key in heard:
                heard[record.key].append((InboundMessage.parse(record.value).event.version, record.value))
        for referral_id, seen in heard.items():
            again, wrong = appeared(f"{agency_id} {referral_id}", seen, wanted[referral_id])
            assert wrong == []
            repeated += again
    return repeated


async def _check_messages(
    network: EmbeddedNetwork, outbound: Sequence[Recorded], acknowledged: Sequence[OutgoingMessage]
) -> None:
    """What Kafka acknowledged stands there, and `referral` has answered each message once."""
    assert {each.raw for each in acknowledged} - {record.value for record in outbound} == set()
    ids = [each.message_id for each in acknowledged]
    query = "SELECT message_id FROM messages WHERE message_id = ANY($1) AND answer IS NOT NULL"
    answered = await rows(network, "referral", query, ids)
    assert once("answered", (str(message_id) for (message_id,) in answered), ids) == []


async def _check_states(network: EmbeddedNetwork, journeys: Collection[Journey]) -> None:
    """Everybody who follows referrals has each at its last version; `referral` has every sealed body."""
    ids = [journey.referral_id for journey in journeys]
    ends = [(journey.referral_id, journey.state, len(journey.types)) for journey in journeys]
    query = "SELECT referral_id, state, version FROM referrals WHERE referral_id = ANY($1)"
    for service in ("referral", "consent"):
        assert once(service, await rows(network, service, query, ids), ends) == []
    query = "SELECT referral_id, version, state FROM referral_scopes WHERE referral_id = ANY($1)"
    placed = [(referral_id, version, state) for referral_id, state, version in ends]
    assert once("audit", await rows(network, "audit", query, ids), placed) == []
    query = "SELECT referral_id, state FROM followed_referrals WHERE referral_id = ANY($1)"
    assert once("notify", await rows(network, "notify", query, ids), [end[:2] for end in ends]) == []
    query = "SELECT referral_id, count(*) FROM bodies WHERE referral_id = ANY($1) GROUP BY referral_id"
    kept = [(referral_id, len(CONTENTS)) for referral_id in ids]
    assert once("bodies", await rows(network, "referral", query, ids), kept) == []


async def _check_inboxes(
    network: EmbeddedNetwork, streams: Mapping[str, Versions], journeys: Collection[Journey]
) -> None:
    """Each who is to be told has one item of each version, and it is the one that was said."""
    query = """
        SELECT notification_id, referral_id, referral_version, coordinator_id, message FROM inbox_items
        WHERE referral_id = ANY($1)
    """
    items = await rows(network, "notify", query, [journey.referral_id for journey in journeys])
    assert once("in an inbox", (item[1:] for item in items), [tuple(told) for told in _told(journeys)]) == []
    assert all(len(streams[f"notification:{item[0]}"].events) == 1 for item in items)


async def _check_log(
    network: EmbeddedNetwork, said: Collection[Recorded], streams: Mapping[str, Versions], before: Before
) -> None:
    """`audit` has every record with its exact bytes, every version in order, and has found nothing wrong."""
    read = {topic.name for topic in consumed_by("audit")}
    kept = await rows(network, "audit", 'SELECT topic, partition, "offset", digest FROM log_entries')
    assert {tuple(row[:3]): row[3] for row in kept} == {
        record.position: digest(record.value) for record in said if record.position[0] in read
    }
    query = """
        SELECT aggregate, version, digest FROM read_events WHERE aggregate = ANY($1)
        ORDER BY topic, partition, "offset"
    """
    found: dict[str, list[tuple[int, str]]] = {aggregate: [] for aggregate in streams}
    for aggregate, version, content in await rows(network, "audit", query, list(streams)):
        found[str(aggregate)].append((int(str(version)), str(content)))
    for aggregate, stream in streams.items():
        again, wrong = appeared(f"audit {aggregate}", found[aggregate], range(1, len(stream.events) + 1))
        assert (again, wrong) == (stream.repeated, [])
    assert await _findings(network) == before.findings


async def _check_heads(network: EmbeddedNetwork, streams: Mapping[str, Versions]) -> None:
    """What a service holds to be the last version that it has said is the last that stands on Kafka."""
    for service in SERVICES:
        own = {each: streams[each] for each in streams if _topic(each).producer == service}
        query = "SELECT aggregate, version, digest FROM streams WHERE aggregate = ANY($1)"
        last = [(aggregate, len(stream.values), digest(stream.values[-1])) for aggregate, stream in own.items()]
        assert once(f"said by {service}", await rows(network, service, query, list(own)), last) == []


async def _check_recorded(
    network: EmbeddedNetwork, standing: Collection[Recorded], streams: Mapping[str, Versions]
) -> None:
    """Every consumer took every record once and in order, and every version of every aggregate in order."""
    last = ends(standing)
    for service in CONSUMING:
        steps = await recorded(network, service)
        heeded = {topic.name for topic in consumed_by(service)}
        read = heeded | {topic for topic, _ in last if service == "referral" and topic.startswith("agency.")}
        for where, end in last.items():
            if where[0] in read:
                assert walked(f"{service} {where}", steps.positions.get(where, ()), end) == []
        # `audit` keeps records, and its log is checked; the others keep what they have seen of each aggregate.
        if service != "audit":
            seen = {each: stream for each, stream in streams.items() if _topic(each).name in heeded}
            assert followed(service, steps.versions, seen) == []


def _topic(aggregate: str) -> Topic:
    topic = topic_of_aggregate(aggregate)
    assert topic is not None, f"{aggregate} is of a kind that the catalogue does not have"
    return topic


async def _findings(network: EmbeddedNetwork) -> int:
    [(count,)] = await rows(network, "audit", "SELECT count(*) FROM findings")
    return int(str(count))
