"""What happens to a batch in the database: each message once, in order, and a bad one stops nobody else."""

import pytest
import sqlalchemy as sa
from aiokafka import TopicPartition

from services.eventing import parking
from services.eventing.database import Database
from services.eventing.positions import PositionLost, Positions
from tests.service.eventing.batches import Effects, effects_in, parked, process, replay_all, took_effect
from tests.service.eventing.conftest import TOPIC, Partition, Stream
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

ZERO = TopicPartition(TOPIC, 0)


@pytest.fixture
async def effects(database: Database) -> Effects:
    """The handler, with its table."""
    return await effects_in(database)


async def test_a_batch_takes_effect_in_order(database: Database, effects: Effects) -> None:
    """Events of several aggregates take effect in the order in which they came."""
    partition, one, two = Partition(), Stream(), Stream()
    records = [partition.record(s.key, s.next()) for s in (one, two, one, two)]
    await process(database, effects, records)
    assert await took_effect(database) == [
        (one.aggregate, 1),
        (two.aggregate, 1),
        (one.aggregate, 2),
        (two.aggregate, 2),
    ]


async def test_an_event_said_again_takes_effect_once(database: Database, effects: Effects) -> None:
    """The same event at a later offset, in the same batch and in a later one, is known by its version."""
    partition, stream = Partition(), Stream()
    raw = stream.next()
    await process(database, effects, [partition.record(stream.key, raw), partition.record(stream.key, raw)])
    await process(database, effects, [partition.record(stream.key, raw)])
    assert await took_effect(database) == [(stream.aggregate, 1)]
    assert await parked(database) == []


async def test_a_consumer_that_lost_its_partition_commits_nothing(database: Database, effects: Effects) -> None:
    """Of two members that believe in the same position only the first moves it; the second keeps nothing."""
    partition, stream = Partition(), Stream()
    records = [partition.record(stream.key, stream.next())]
    first, second = Positions(), Positions()
    async with database.engine.connect() as connection:
        await first.load(connection, {ZERO})
        await second.load(connection, {ZERO})
    await process(database, effects, records, first)
    other = Stream()
    with pytest.raises(PositionLost):
        await process(database, effects, [Partition().record(other.key, other.next())], second)
    assert await took_effect(database) == [(stream.aggregate, 1)]


async def test_effect_and_position_commit_together(database: Database, effects: Effects) -> None:
    """When the effect's transaction fails at its commit, the position has not moved either."""
    async with database.engine.begin() as connection:
        await connection.execute(
            sa.text("ALTER TABLE effects ADD CONSTRAINT late UNIQUE (version) DEFERRABLE INITIALLY DEFERRED")
        )
    partition, one, two = Partition(), Stream(), Stream()
    with pytest.raises(sa.exc.IntegrityError):
        await process(database, effects, [partition.record(s.key, s.next()) for s in (one, two)])
    async with database.engine.connect() as connection:
        moved = await connection.execute(sa.text("SELECT count(*) FROM consumed_positions"))
        assert moved.scalar_one() == 0
    assert await took_effect(database) == []


async def test_a_failing_item_is_parked_and_its_neighbours_take_effect(database: Database, effects: Effects) -> None:
    """One failing aggregate is parked with a code, its later events behind it; every other moves on."""
    partition, bad, good = Partition(), Stream(), Stream()
    effects.failing[bad.aggregate] = Refusal(RefusalCode.AGENCY_UNKNOWN)
    await process(database, effects, [partition.record(s.key, s.next()) for s in (good, bad, bad, good)])
    await process(database, effects, [partition.record(s.key, s.next()) for s in (bad, good)])
    assert await took_effect(database) == [(good.aggregate, n) for n in (1, 2, 3)]
    assert [(row.key, row.reason) for row in await parked(database)] == [
        (bad.key, RefusalCode.AGENCY_UNKNOWN),
        (bad.key, RefusalCode.BEHIND_PARKED),
        (bad.key, RefusalCode.BEHIND_PARKED),
    ]


async def test_later_events_stay_behind_a_parked_one_even_when_they_would_succeed(
    database: Database, effects: Effects
) -> None:
    """Once the cause of the failure is gone, new events still wait until the parked one is replayed."""
    partition, stream = Partition(), Stream()
    effects.failing[stream.aggregate] = ValueError("何か")
    await process(database, effects, [partition.record(stream.key, stream.next())])
    effects.failing.clear()
    await process(database, effects, [partition.record(stream.key, stream.next())])
    assert await took_effect(database) == []
    assert [row.reason for row in await parked(database)] == [
        RefusalCode.HANDLER_FAILED,
        RefusalCode.BEHIND_PARKED,
    ]


async def test_replay_releases_parked_events_in_order(database: Database, effects: Effects) -> None:
    """Replaying the first parked event of an aggregate releases it and all behind it, in order, once."""
    partition, stream = Partition(), Stream()
    effects.failing[stream.aggregate] = ValueError()
    await process(database, effects, [partition.record(stream.key, stream.next()) for _ in range(3)])
    effects.failing.clear()
    async with database.work() as work:
        first = (await parking.list_parked(work.session))[0]
        assert len(await parking.request_replay(work.session, [first.id])) == 3
    await replay_all(database, effects)
    assert await took_effect(database) == [(stream.aggregate, n) for n in (1, 2, 3)]
    assert await parked(database) == []
    await process(database, effects, [partition.record(stream.key, stream.next())])
    assert await took_effect(database) == [(stream.aggregate, n) for n in (1, 2, 3, 4)]


async def test_a_replay_that_fails_again_keeps_everything(database: Database, effects: Effects) -> None:
    """A replay that still fails leaves all events parked and counts the attempt."""
    partition, stream = Partition(), Stream()
    effects.failing[stream.aggregate] = ValueError()
    await process(database, effects, [partition.record(stream.key, stream.next()) for _ in range(2)])
    async with database.work() as work:
        await parking.request_replay(work.session, [row.id for row in await parking.list_parked(work.session)])
    await replay_all(database, effects)
    first, _behind = await parked(database)
    assert (first.replays, first.replay_requested_at) == (1, None)
    assert await took_effect(database) == []


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", RefusalCode.MALFORMED_JSON),
        (b"{", RefusalCode.MALFORMED_JSON),
        (b"[]", RefusalCode.MALFORMED_JSON),
        (b"\xff\xfe{}", RefusalCode.NOT_UTF8),
        (b'{"type": "referral.vanished.v1"}', RefusalCode.UNKNOWN_TYPE),
        (b'{"type": "notification.acknowledged.v9"}', RefusalCode.UNKNOWN_VERSION),
        (b'{"type": "notification.acknowledged.v1"}', RefusalCode.INVALID_CONTENT),
    ],
)
async def test_undecodable_bytes_are_parked_alone(
    database: Database, effects: Effects, raw: bytes, reason: RefusalCode
) -> None:
    """Bytes that are no event are parked with a code and keep nobody behind them, not even under the same key."""
    partition, stream = Partition(), Stream()
    await process(
        database,
        effects,
        [
            partition.record(stream.key, stream.next()),
            partition.record(stream.key, raw),
            partition.record(stream.key, stream.next()),
        ],
    )
    assert await took_effect(database) == [(stream.aggregate, 1), (stream.aggregate, 2)]
    assert [(row.reason, row.blocks) for row in await parked(database)] == [(reason, False)]


async def test_an_event_before_its_cause_is_held_until_the_cause_is_seen(database: Database, effects: Effects) -> None:
    """An event that came before its cause waits, its later ones with it, and takes effect once the cause has."""
    cause, stream = Stream(), Stream()
    partition = Partition()
    early = [partition.record(stream.key, stream.next(cause=f"{cause.aggregate}@2")) for _ in range(2)]
    await process(database, effects, early)
    await replay_all(database, effects)
    assert await took_effect(database) == []
    assert [row.reason for row in await parked(database)] == [
        RefusalCode.CAUSE_NOT_SEEN,
        RefusalCode.BEHIND_PARKED,
    ]
    await process(database, effects, [partition.record(cause.key, cause.next()) for _ in range(2)])
    await replay_all(database, effects)
    assert await took_effect(database) == [
        (cause.aggregate, 1),
        (cause.aggregate, 2),
        (stream.aggregate, 1),
        (stream.aggregate, 2),
    ]


async def test_a_cause_on_a_topic_that_is_not_read_is_not_waited_for(database: Database, effects: Effects) -> None:
    """A consumer waits only for causes on topics that it subscribes to."""
    partition, stream = Partition(), Stream()
    await process(database, effects, [partition.record(stream.key, stream.next(cause="referral:elsewhere@1"))])
    assert await took_effect(database) == [(stream.aggregate, 1)]


async def test_a_gap_in_the_versions_is_parked(database: Database, effects: Effects) -> None:
    """An aggregate whose version jumps is parked: something before it is missing."""
    partition, stream = Partition(), Stream()
    stream.next()
    await process(database, effects, [partition.record(stream.key, stream.next())])
    assert await took_effect(database) == []
    assert [row.reason for row in await parked(database)] == [RefusalCode.VERSION_GAP]


async def test_an_event_that_does_not_follow_the_one_before_is_parked(database: Database, effects: Effects) -> None:
    """A rewritten past shows: `previous` must be the digest of the aggregate's last event."""
    partition, stream = Partition(), Stream()
    await process(database, effects, [partition.record(stream.key, stream.next())])
    stream.previous = "A" * 43
    await process(database, effects, [partition.record(stream.key, stream.next())])
    assert await took_effect(database) == [(stream.aggregate, 1)]
    assert [row.reason for row in await parked(database)] == [RefusalCode.PREVIOUS_MISMATCH]
