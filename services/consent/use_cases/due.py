"""Saying anew what is covered where that has changed though nobody said anything: periods, disasters."""

from services.consent.storage import due, persons, words
from services.consent.use_cases import obligations, records
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from tsunagu_contracts.actors import Actor, ActorKind

_TIMER = Actor(ActorKind.TIMER)


async def cover_due(database: Database, custody: Custody) -> None:
    """Cover everybody anew who is due by now."""
    while await cover_some(database, custody):
        pass


async def cover_some(database: Database, custody: Custody) -> bool:
    """Cover some of them, in one transaction; returns whether there may be more."""
    async with database.work() as work:
        record_ids = await due.take(work.session, work.now)
        locked = await persons.lock(work.session, record_ids)
        spoken = await words.of(work.session, record_ids)
        for record_id, person in locked.items():
            at = max(work.now, person.latest_at)
            owed = await obligations.settle(work, person, spoken[record_id], at, custody)
            await records.say(work, owed)
            await records.cover_open_referrals(work, person, spoken[record_id], at, _TIMER)
        persons.save(work, [person for person in locked.values() if person.taken])
    return bool(record_ids)
