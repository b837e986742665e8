"""What follows from anything that bears on a person's word: what is owed, what is answered, what is covered now."""

from collections.abc import Sequence
from datetime import datetime

from services.consent.domain.joins import merged
from services.consent.domain.persons import Group
from services.consent.storage import persons, words
from services.consent.use_cases import asking, obligations, records
from services.consent.use_cases.asking import Spoken
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.records import Saying, Speaker
from services.eventing.work import Work


async def take_effect(
    work: Work,
    group: Group,
    sayings: Sequence[Saying],
    at: datetime,
    by: Speaker,
    custody: Custody,
    *,
    spoken: Spoken | None = None,
) -> None:
    """Let what was just written of a person take effect: obligations, requests that were `spoken` to, events, coverage.

    The rows of the person's records are locked, and saved here.
    """
    word = merged(await words.of(work.session, group.records))
    owed = await obligations.settle(work, group, word, at, custody)
    answered = await asking.settle(work, group, word, spoken, custody) if spoken is not None else ()
    persons.save(work, group.changed)
    await records.say(work, [*sayings, *owed, *answered])
    await records.cover_open_referrals(work, group, word, at, by)
