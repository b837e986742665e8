"""Saying anew what is covered where that has changed though nobody said anything: periods, disasters."""

from services.consent.storage import due, persons
from services.consent.use_cases import records
from services.eventing.database import Database
from tsunagu_contracts.actors import Actor, ActorKind

_TIMER = Actor(ActorKind.TIMER)


async def cover_due(database: Database) -> None:
    """Cover everybody anew who is due by now."""
    while await cover_some(database):
        pass


async def cover_some(database: Database) -> bool:
    """Cover some of them, in one transaction; returns whether there may be more."""
    async with database.work() as work:
        record_ids = await due.take(work.session, work.now)
        for person in (await persons.lock(work.session, record_ids)).values():
            await records.cover_open_referrals(work, person, max(work.now, person.latest_at), _TIMER)
    return bool(record_ids)
