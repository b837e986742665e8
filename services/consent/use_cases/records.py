"""Saying what happened to a person: every event takes the person's next number, which is its version."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.consent.domain.coverage import coverage_of
from services.consent.domain.persons import Person
from services.consent.domain.word import Word
from services.consent.storage import referrals
from services.eventing.work import Emission, Work
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.events.consent import CoverageDecided


class NumberLost(Exception):
    """A person's number and the version of the record's stream differ: nothing of this may commit."""


class Saying(NamedTuple):
    """An event to say, and the person's number that it must get as its version, if it stands on a record."""

    emission: Emission
    number: int | None = None


async def say(work: Work, sayings: Sequence[Saying]) -> None:
    """Say events in this order; raises `NumberLost` where a version is not the number taken for it.

    "As of" can then never mean two things.
    """
    events = await work.emit(*(saying.emission for saying in sayings))
    for event, saying in zip(events, sayings, strict=True):
        if saying.number is not None and event.version != saying.number:
            raise NumberLost


async def cover_open_referrals(
    work: Work,
    person: Person,
    word: Word,
    at: datetime,
    actor: Actor,
    appointment: str | None = None,
) -> list[CoverageDecided]:
    """Decide anew over every open referral of a person and say it, as of the person's last number and this moment."""
    decided = [
        CoverageDecided(
            referral_id=referral.referral_id,
            addressee=referral.addressee,
            sections=coverage_of(referral, word, at, person.number),
        )
        for referral in await referrals.open_of(work.session, [person.record_id])
    ]
    await say(work, [Saying(Emission(f"coverage:{each.referral_id}", each, actor, appointment)) for each in decided])
    return decided
