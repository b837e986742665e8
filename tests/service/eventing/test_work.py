"""A work on a real database: written by one statement, and only where what it rests on still stands."""

import asyncio
from functools import partial

import pytest
import sqlalchemy as sa

from services.eventing.database import Database
from services.eventing.outbox import HEADS, Head
from services.eventing.statements import Conflict, Statement
from services.eventing.work import Emission, Work
from tests.builders.batches import statements_of
from tests.infra.eventually import eventually
from tests.service.eventing.batches import somebody_waits
from tests.service.eventing.conftest import IDS
from tests.service.eventing.published import unpublished
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.events.notify import NotificationAcknowledged

_KEEP = Statement("INSERT INTO kept (name) SELECT unnest(CAST(:names AS text[])) RETURNING 1")
_TOUCH = Statement("UPDATE kept SET name = name WHERE name = CAST(:name AS text)")
_COUNT = Statement("SELECT count(*) FROM kept")
_READ_KEPT = Statement("INSERT INTO kept (name) SELECT name || '!' FROM said", name="echoed")
_SAID = Statement("INSERT INTO kept (name) VALUES (CAST(:name AS text)) RETURNING name", name="said")


@pytest.fixture
async def kept(database: Database) -> None:
    """A table in which a work may keep names, each once."""
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE kept (name text PRIMARY KEY)"))


async def names(database: Database) -> set[str]:
    """What has been kept."""
    async with database.reading() as session:
        return set(await session.scalars(sa.text("SELECT name FROM kept")))


def said_of(name: str, *, begins: bool = False) -> Emission:
    """Something to say of an aggregate."""
    data = NotificationAcknowledged(notification_id=name, coordinator_id="c-0001")
    return Emission(f"notification:{name}", data, Actor.system("notify"), begins=begins)


async def test_everything_of_a_batch_is_written_by_one_statement(database: Database, kept: None) -> None:
    """Effects, streams and what is said are committed together in a single round trip."""
    async with statements_of(database) as statements:
        for number in range(2):
            statements.clear()
            async with database.batch() as work:
                work.later(_KEEP, {"names": [f"a{number}", f"b{number}"]}, touches=2)
                await work.emit(said_of(IDS.new(), begins=True))
        # The first also asked what types there are.
        assert len(statements) == 1
    assert await names(database) == {"a0", "b0", "a1", "b1"}
    assert await unpublished(database) == 2


async def test_a_part_may_read_what_an_earlier_named_part_returns(database: Database, kept: None) -> None:
    """A name makes the rows that a part returns readable for the parts behind it."""
    async with database.batch() as work:
        work.later(_SAID, {"name": "hello"})
        work.later(_READ_KEPT, {})
    assert await names(database) == {"hello", "hello!"}


@pytest.mark.parametrize("way", ["batch", "work"])
async def test_a_part_that_does_not_touch_what_it_must_undoes_all(database: Database, kept: None, way: str) -> None:
    """Nothing is kept and nothing said where a part touched another number of rows than stated."""

    async def touch_too_little() -> None:
        async with getattr(database, way)() as work:
            work.later(_KEEP, {"names": ["a"]})
            work.later(_KEEP, {"names": ["b"]}, touches=2)
            await work.emit(said_of(IDS.new(), begins=True))

    with pytest.raises(Conflict):
        await touch_too_little()
    assert await names(database) == set()
    assert await unpublished(database) == 0


async def test_nothing_is_kept_where_the_block_fails(database: Database, kept: None) -> None:
    """What was to be written later is not written after an error."""

    async def fail() -> None:
        async with database.batch() as work:
            work.later(_KEEP, {"names": ["a"]})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names(database) == set()


@pytest.mark.parametrize("way", ["batch", "work"])
async def test_a_stream_begins_once(database: Database, way: str) -> None:
    """Who believes that nothing was said of an aggregate of which something was keeps nothing."""
    name = IDS.new()
    async with database.batch() as work:
        await work.emit(said_of(name, begins=True))

    async def begin_again() -> None:
        async with getattr(database, way)() as work:
            await work.emit(said_of(name, begins=True))

    with pytest.raises(Conflict):
        await begin_again()
    assert await unpublished(database) == 1


async def test_a_stream_goes_on_only_from_where_it_was_seen_to_stand(database: Database) -> None:
    """Between looking and writing somebody else may say the next version; then nothing of ours is kept."""
    name = IDS.new()
    async with database.batch() as work:
        (first,) = await work.emit(said_of(name, begins=True))
    async with database.reading() as session:
        seen = (await session.execute(HEADS.clause, {"aggregates": [first.aggregate]})).one()
    head = Head(seen.version, seen.digest)

    async def be_overtaken() -> None:
        async with database.batch() as work:
            work.rely_on({first.aggregate: head})
            async with database.work() as other:
                (second,) = await other.emit(said_of(name))
                assert (second.version, second.previous) == (2, head.digest)
            await work.emit(said_of(name))

    with pytest.raises(Conflict):
        await be_overtaken()
    assert await unpublished(database) == 2


async def test_a_savepoint_undoes_what_was_to_be_written_in_it(database: Database, kept: None) -> None:
    """What was given before it stays, what was given inside goes, and what follows sees what was flushed."""

    async def fail_inside(work: Work) -> None:
        async with work.savepoint():
            work.later(_KEEP, {"names": ["inside"]})
            raise ZeroDivisionError

    async with database.work() as work:
        work.later(_KEEP, {"names": ["before"]})
        with pytest.raises(ZeroDivisionError):
            await fail_inside(work)
        async with work.savepoint():
            work.later(_KEEP, {"names": ["after"]})
        assert (await work.fetch(_COUNT, {}))[0][0] == 2
    assert await names(database) == {"before", "after"}


@pytest.mark.parametrize("way", ["batch", "work"])
async def test_of_two_that_wait_for_each_other_one_conflicts(database: Database, kept: None, way: str) -> None:
    """PostgreSQL undoes one of them; that is no failure but a reason to look again, and the other is kept whole."""
    holding = asyncio.Event()

    async def hold_one_and_want_the_other() -> None:
        async with database.work() as work:
            await work.fetch(_KEEP, {"names": ["second"]})
            holding.set()
            await eventually(partial(somebody_waits, database))
            await work.fetch(_KEEP, {"names": ["first"]})

    async def take_both() -> None:
        await holding.wait()
        async with database.batch() if way == "batch" else database.work() as work:
            work.later(_KEEP, {"names": ["first", "second"]})

    outcomes = await asyncio.gather(hold_one_and_want_the_other(), take_both(), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes if outcome] == [Conflict]
    assert await names(database) == {"first", "second"}


async def test_a_use_case_is_done_anew_after_a_deadlock(database: Database, kept: None) -> None:
    """Whoever of two was undone does its work again, and both end."""
    both_hold = asyncio.Barrier(2)
    tries: list[tuple[str, str]] = []

    async def lock_both(order: tuple[str, str], work: Work) -> None:
        tries.append(order)
        first, second = order
        await work.fetch(_TOUCH, {"name": first})
        if len(tries) <= 2:
            await both_hold.wait()
        await work.session.execute(_TOUCH.clause, {"name": second})

    async with database.work() as work:
        work.later(_KEEP, {"names": ["a", "b"]})

    await asyncio.gather(*(database.until_settled(partial(lock_both, order)) for order in (("a", "b"), ("b", "a"))))

    assert len(tries) == 3


async def test_a_batch_has_no_transaction_to_lock_anything_in(database: Database) -> None:
    """The session is for transactions; to use it in a batch is an error and not a second connection."""
    async with database.batch() as work:
        with pytest.raises(RuntimeError, match="fetch"):
            _ = work.session


async def test_a_use_case_is_done_anew_where_somebody_was_faster(database: Database, kept: None) -> None:
    """Who comes second finds the name taken, looks again and takes another."""
    tries = 0

    async def take_a_name(work: Work) -> str:
        nonlocal tries
        tries += 1
        free = "first" if (await work.fetch(_COUNT, {}))[0][0] == 0 else "second"
        if tries == 1:
            async with database.work() as faster:
                faster.later(_KEEP, {"names": ["first"]})
        work.later(_KEEP, {"names": [free]})
        return free

    assert await database.until_settled(take_a_name) == "second"
    assert await names(database) == {"first", "second"}
