"""Saying what happened to a person: every event takes the person's next number, which is its version."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.consent.domain.coverage import Referral, coverage_of
from services.consent.domain.persons import Group
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


class Speaker(NamedTuple):
    """Who brought something about, for which agency and under which appointment; without an agency the system."""

    actor: Actor
    agency_id: str | None = None
    appointment: str | None = None

    def of(self, referral: Referral) -> "Speaker":
        """Whom the parties of a referral may hear of: a stranger to it would show that they know the person too."""
        return self if self.agency_id is None or referral.is_party(self.agency_id) else _CONSENT


_CONSENT = Speaker(Actor.system("consent"))


async def say(work: Work, sayings: Sequence[Saying]) -> None:
    """Say events in this order; raises `NumberLost` where a version is not the number taken for it.

    "As of" can then never mean two things.
    """
    events = await work.emit(*(saying.emission for saying in sayings))
    for event, saying in zip(events, sayings, strict=True):
        if saying.number is not None and event.version != saying.number:
            raise NumberLost


async def cover_open_referrals(work: Work, group: Group, word: Word, at: datetime, by: Speaker) -> None:
    """Decide anew over every open referral of a person and say it, over all that they have said, at this moment."""
    sayings: list[Saying] = []
    for referral in await referrals.open_of(work.session, group.records):
        sections = coverage_of(referral, word, at, group.number)
        decided = CoverageDecided(referral_id=referral.referral_id, addressee=referral.addressee, sections=sections)
        speaker = by.of(referral)
        emission = Emission(f"coverage:{referral.referral_id}", decided, speaker.actor, speaker.appointment)
        sayings.append(Saying(emission))
    await say(work, sayings)
