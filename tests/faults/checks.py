"""What must hold of the records of a run, however often its processes were killed."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from deploy.network import EmbeddedNetwork
from tests.e2e.agencies import CLINIC, DESK, ON_DUTY_AT_DESK
from tests.faults.histories import Recorded, Versions, ends, parked, read_topics, rows, versions
from tests.faults.traffic import CONTENTS
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.events.consent import RecordReferralLinked
from tsunagu_contracts.events.notify import NotificationCreated
from tsunagu_contracts.topics import TOPICS, agency_inbound, consumed_by

WAITS = "referral_waits"


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
    network: EmbeddedNetwork, referral_ids: Collection[str], before: Before
) -> int:
    """Check topics and databases against each other; returns how many records Kafka has more than once."""
    said = await read_topics(network, [topic.name for topic in TOPICS])
    streams = versions(said, before.ends)
    assert [each for stream in streams.values() for each in stream.misplaced] == []
    _check_events(streams, referral_ids)
    repeated = await _check_inbound(network, referral_ids)
    await _check_referrals(network, referral_ids)
    await _check_inboxes(network, streams, referral_ids)
    await _check_log(network, said, streams, before)
    for service, rows_parked in (await parked(network)).items():
        assert set(rows_parked) <= set(before.parked[service]), service
    return repeated + sum(stream.repeated for stream in streams.values())


def _check_events(streams: Mapping[str, Versions], referral_ids: Collection[str]) -> None:
    """Each referral was submitted, covered and delivered, one version each, and linked to one record."""
    assert {
        name for each in referral_ids for name in (f"referral:{each}", f"coverage:{each}")
    } - streams.keys() == set()
    for referral_id in referral_ids:
        types = [event.type for event in streams[f"referral:{referral_id}"].events]
        assert types == ["referral.submitted.v1", "referral.delivered.v1"], referral_id
        assert len(streams[f"coverage:{referral_id}"].events) == 1, referral_id
    linked = Counter(
        event.data.referral_id
        for stream in streams.values()
        for event in stream.events
        if isinstance(event.data, RecordReferralLinked)
    )
    assert {referral_id: linked[referral_id] for referral_id in referral_ids} == dict.fromkeys(referral_ids, 1)
    told = Counter(
        (event.data.referral_id, event.data.coordinator_id)
        for stream in streams.values()
        for event in stream.events
        if isinstance(event.data, NotificationCreated) and event.data.message == WAITS
    )
    wanted = {(referral_id, coordinator): 1 for referral_id in referral_ids for coordinator in ON_DUTY_AT_DESK}
    assert {pair: count for pair, count in told.items() if pair[0] in set(referral_ids)} == wanted


async def _check_inbound(network: EmbeddedNetwork, referral_ids: Collection[str]) -> int:
    """Each agency was told each version once: what stands there again has the very same bytes."""
    repeated = 0
    for agency_id, expected in ((CLINIC, 2), (DESK, 1)):
        heard: dict[str, list[bytes]] = {referral_id: [] for referral_id in referral_ids}
        for record in await read_topics(network, [agency_inbound(agency_id)]):
            if record.key in heard:
                heard[record.key].append(record.value)
        for referral_id, values in heard.items():
            assert len(dict.fromkeys(values)) == expected, (agency_id, referral_id, len(values))
            repeated += len(values) - expected
    return repeated


async def _check_referrals(network: EmbeddedNetwork, referral_ids: Collection[str]) -> None:
    """`referral` has each one delivered at its second version, with every sealed body."""
    query = """
        SELECT state, version, count(*) FROM referrals WHERE referral_id = ANY($1) GROUP BY state, version
    """
    assert await rows(network, "referral", query, list(referral_ids)) == [("delivered", 2, len(referral_ids))]
    query = "SELECT count(*) FROM bodies WHERE referral_id = ANY($1)"
    assert await rows(network, "referral", query, list(referral_ids)) == [(len(referral_ids) * len(CONTENTS),)]


async def _check_inboxes(
    network: EmbeddedNetwork, streams: Mapping[str, Versions], referral_ids: Collection[str]
) -> None:
    """Each coordinator on duty has one item of each referral, and it is the one that was said."""
    query = """
        SELECT notification_id, referral_id, coordinator_id FROM inbox_items
        WHERE referral_id = ANY($1) AND message = $2
    """
    items = await rows(network, "notify", query, list(referral_ids), WAITS)
    wanted = {(referral_id, coordinator) for referral_id in referral_ids for coordinator in ON_DUTY_AT_DESK}
    assert Counter((referral_id, coordinator) for _, referral_id, coordinator in items) == Counter(wanted)
    assert all(len(streams[f"notification:{notification_id}"].events) == 1 for notification_id, _, _ in items)


async def _check_log(
    network: EmbeddedNetwork, said: Collection[Recorded], streams: Mapping[str, Versions], before: Before
) -> None:
    """`audit` has every record with its exact bytes, every version once, and has found nothing wrong."""
    read = {topic.name for topic in consumed_by("audit")}
    kept = await rows(network, "audit", 'SELECT topic, partition, "offset", digest FROM log_entries')
    assert {tuple(row[:3]): row[3] for row in kept} == {
        record.position: digest(record.value) for record in said if record.position[0] in read
    }
    query = "SELECT DISTINCT aggregate, version FROM read_events WHERE aggregate = ANY($1)"
    assert set(await rows(network, "audit", query, list(streams))) == {
        (aggregate, version) for aggregate, stream in streams.items() for version in range(1, len(stream.events) + 1)
    }
    assert await _findings(network) == before.findings


async def _findings(network: EmbeddedNetwork) -> int:
    [(count,)] = await rows(network, "audit", "SELECT count(*) FROM findings")
    return int(str(count))
