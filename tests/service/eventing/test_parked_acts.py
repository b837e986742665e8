"""What an operator does with parked messages: recorded, in order, and never at the cost of an aggregate's order."""

import asyncio

import pytest

from services.eventing import parked_acts, schema
from services.eventing.database import Database
from services.eventing.parked_acts import DiscardReason, NotFirst, NotParked, ReplayReason
from tests.infra.eventually import eventually
from tests.service.eventing.batches import Effects, effects_in, parked, process, replay_all, somebody_waits, took_effect
from tests.service.eventing.conftest import Partition, Stream
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

OPERATOR = Actor.parse("operator:o-0001")


@pytest.fixture
async def effects(database: Database) -> Effects:
    """The handler, with its table."""
    return await effects_in(database)


async def _discard(database: Database, *ids: int) -> None:
    async with database.work() as work:
        await parked_acts.discard(work.session, ids, OPERATOR, DiscardReason.SAID_IN_ERROR)


async def _lane(database: Database, effects: Effects, versions: int) -> tuple[Stream, Partition, list[int]]:
    """A lane of which the first event fails and the others wait; the ids of what is parked."""
    partition, stream = Partition(), Stream()
    effects.failing[stream.aggregate] = ValueError()
    await process(database, effects, [partition.record(stream.key, stream.next()) for _ in range(versions)])
    effects.failing.clear()
    return stream, partition, [row.id for row in await parked(database)]


async def test_what_follows_a_discarded_event_takes_effect(database: Database, effects: Effects) -> None:
    """A discarded event counts as seen: those behind it and those still to come are no gap."""
    stream, partition, ids = await _lane(database, effects, 3)
    await _discard(database, ids[0])
    await replay_all(database, effects)
    await process(database, effects, [partition.record(stream.key, stream.next())])
    assert await took_effect(database) == [(stream.aggregate, 2), (stream.aggregate, 3), (stream.aggregate, 4)]
    assert await parked(database) == []


async def test_a_discard_is_recorded_and_kept(database: Database, effects: Effects) -> None:
    """The record tells who, why, and which message by place and digest, after the message itself has gone."""
    stream, _, ids = await _lane(database, effects, 1)
    async with database.reading() as session:
        shown = await parked_acts.show(session, ids[0])
    await _discard(database, ids[0])
    async with database.reading() as session:
        (act,) = await parked_acts.acts_on(session, ids[0])
    assert (act.actor, act.act, act.reason) == ("operator:o-0001", "discard", "said_in_error")
    assert (act.aggregate, act.version, act.seen_before) == (stream.aggregate, 1, 0)
    assert (act.topic, act.partition, act.offset) == (shown.topic, shown.partition, shown.offset)
    assert (act.digest, act.size, act.parked_for) == (shown.digest, shown.size, RefusalCode.HANDLER_FAILED)
    assert shown.digest == stream.previous


async def test_the_record_holds_no_content() -> None:
    """No column of the record could hold a message."""
    assert {"value", "key", "traceparent", "detail"}.isdisjoint(schema.parked_acts.columns.keys())


async def test_only_the_first_of_a_lane_can_be_discarded(database: Database, effects: Effects) -> None:
    """To pass over the second would pass over the first as well; nothing changes, nothing is recorded."""
    _, _, ids = await _lane(database, effects, 3)
    with pytest.raises(NotFirst) as refused:
        await _discard(database, ids[2])
    assert refused.value.before == (ids[0], ids[1])
    assert [row.id for row in await parked(database)] == ids
    async with database.reading() as session:
        assert await parked_acts.acts_on(session, ids[2]) == []


async def test_several_of_a_lane_can_be_discarded_in_order(database: Database, effects: Effects) -> None:
    """Ids are taken one after the other, each first when its turn comes."""
    stream, _, ids = await _lane(database, effects, 3)
    await _discard(database, *ids[:2])
    await replay_all(database, effects)
    assert await took_effect(database) == [(stream.aggregate, 3)]


async def test_one_that_cannot_be_discarded_keeps_all(database: Database, effects: Effects) -> None:
    """Several are discarded together or not at all."""
    _, _, ids = await _lane(database, effects, 2)
    with pytest.raises(NotParked):
        await _discard(database, ids[0], 999_999)
    assert [row.id for row in await parked(database)] == ids


async def test_undecodable_bytes_can_be_discarded_and_touch_no_aggregate(database: Database, effects: Effects) -> None:
    """They belong to no aggregate; the record has neither aggregate nor version."""
    partition, stream = Partition(), Stream()
    await process(database, effects, [partition.record(stream.key, b"{"), partition.record(stream.key, stream.next())])
    (row,) = await parked(database)
    await _discard(database, row.id)
    await process(database, effects, [partition.record(stream.key, stream.next())])
    assert await took_effect(database) == [(stream.aggregate, 1), (stream.aggregate, 2)]
    async with database.reading() as session:
        (act,) = await parked_acts.acts_on(session, row.id)
    assert (act.aggregate, act.version, act.seen_before) == (None, None, None)


async def test_discarding_what_came_after_a_gap_gives_up_the_gap_and_says_so(
    database: Database, effects: Effects
) -> None:
    """The record tells which versions have been passed; those that come after take effect."""
    partition, stream = Partition(), Stream()
    await process(database, effects, [partition.record(stream.key, stream.next())])
    lost = stream.next()
    await process(database, effects, [partition.record(stream.key, stream.next())])
    (row,) = await parked(database)
    await _discard(database, row.id)
    await process(database, effects, [partition.record(stream.key, raw) for raw in (lost, stream.next())])
    assert await took_effect(database) == [(stream.aggregate, 1), (stream.aggregate, 4)]
    async with database.reading() as session:
        (act,) = await parked_acts.acts_on(session, row.id)
    assert (act.seen_before, act.version) == (1, 3)


async def test_what_was_missing_may_come_after_what_missed_it(database: Database, effects: Effects) -> None:
    """A lane is replayed in the order of its versions, not in that of its arrival."""
    partition, stream = Partition(), Stream()
    missing, later = stream.next(), stream.next()
    await process(database, effects, [partition.record(stream.key, raw) for raw in (later, missing)])
    ids = [row.id for row in await parked(database)]
    async with database.work() as work:
        asked = await parked_acts.replay(work.session, ids[:1], OPERATOR, ReplayReason.FAULT_REPAIRED)
    assert sorted(asked) == ids
    await replay_all(database, effects)
    assert await took_effect(database) == [(stream.aggregate, 1), (stream.aggregate, 2)]


async def test_what_waited_for_a_discarded_event_as_its_cause_goes_on(database: Database, effects: Effects) -> None:
    """A discarded event counts as seen for those that name it as their cause."""
    cause, _, ids = await _lane(database, effects, 1)
    partition, stream = Partition(offset=1), Stream()
    early = partition.record(stream.key, stream.next(cause=f"{cause.aggregate}@1"))
    await process(database, effects, [early])
    await _discard(database, ids[0])
    await replay_all(database, effects)
    assert await took_effect(database) == [(stream.aggregate, 1)]


async def test_a_consumer_that_meets_a_discard_waits_for_it(database: Database, effects: Effects) -> None:
    """A later event that arrives while its lane's first is being discarded finds it seen, not missing."""
    stream, partition, ids = await _lane(database, effects, 1)
    async with database.work() as work:
        await parked_acts.discard(work.session, ids, OPERATOR, DiscardReason.SAID_IN_ERROR)
        arriving = asyncio.create_task(process(database, effects, [partition.record(stream.key, stream.next())]))
        await eventually(lambda: somebody_waits(database))
    await arriving
    assert await took_effect(database) == [(stream.aggregate, 2)]
    assert await parked(database) == []


async def test_a_replay_is_recorded(database: Database, effects: Effects) -> None:
    """Who asked for a message to be tried again, and why, stands beside it."""
    stream, _, ids = await _lane(database, effects, 2)
    async with database.work() as work:
        await parked_acts.replay(work.session, ids[:1], OPERATOR, ReplayReason.PASSING_FAILURE)
    await replay_all(database, effects)
    assert await took_effect(database) == [(stream.aggregate, 1), (stream.aggregate, 2)]
    async with database.reading() as session:
        (act,) = await parked_acts.acts_on(session, ids[0])
    assert (act.actor, act.act, act.reason, act.seen_before) == (str(OPERATOR), "replay", "passing_failure", None)


@pytest.mark.parametrize("actor", ["coordinator:c-0001", "system:notify", "person", "operator:", "o-0001", ""])
def test_only_operators_act_on_parked_messages(actor: str) -> None:
    """Anyone else, and what is no actor, is refused."""
    with pytest.raises(Refusal) as refused:
        parked_acts.operator(actor)
    assert refused.value.code is RefusalCode.ACTOR_MISMATCH
