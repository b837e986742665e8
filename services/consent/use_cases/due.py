"""Saying anew what is covered where that has changed though nobody said anything: periods, disasters."""

from functools import partial

from services.consent.domain.joins import merged
from services.consent.domain.persons import changed_in, distinct
from services.consent.storage import due, persons, words
from services.consent.use_cases import obligations, records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.records import Speaker
from services.eventing.database import Database
from services.eventing.work import Work
from tsunagu_contracts.actors import Actor, ActorKind

_TIMER = Speaker(Actor(ActorKind.TIMER))


async def cover_due(database: Database, custody: Custody) -> None:
    """Cover everybody anew who is due by now."""
    while await cover_some(database, custody):
        pass


async def cover_some(database: Database, custody: Custody) -> bool:
    """Cover some of them, in one transaction; returns whether there may be more."""
    return await database.until_settled(partial(_cover, custody=custody))


async def _cover(work: Work, custody: Custody) -> bool:
    record_ids = await due.take(work.session, work.now)
    locked = await persons.lock(work.session, record_ids)
    said = await words.of(work.session, locked)
    for group in distinct(locked.values()):
        word = merged({record_id: said[record_id] for record_id in group.records})
        at = max(work.now, group.next_at)
        await records.say(work, await obligations.settle(work, group, word, at, custody))
        await records.cover_open_referrals(work, group, word, at, _TIMER)
    persons.save(work, changed_in(locked.values()))
    return bool(record_ids)
