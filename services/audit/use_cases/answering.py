"""Answering: every question of an auditor is bounded by a mandate and said in the log, refused ones too."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from services import membership
from services.audit.domain.mandates import AccessQuestion, Mandate, bounded, check_aggregate, mandate_for
from services.audit.domain.readings import Access
from services.audit.storage import questions
from services.audit.storage.questions import AccessPlace, EventPlace, KeptEvent
from services.eventing.work import Emission, Work
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.audit import QueryAnswered

Row = TypeVar("Row")


class Query(StrEnum):
    """The questions that auditors can ask."""

    ACCESSES = "accesses"
    EVENTS = "events"
    PROVISION_GAPS = "provision_gaps"
    PROVISIONS_UNPLACED = "provisions_unplaced"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks what, and under which mandate if they name one; `parameters` go into the log as they are."""

    auditor_id: str
    mandate_id: str | None
    query: Query
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """What was found, or why nothing is shown; it may be shown only once its transaction has committed."""

    rows: Sequence[Row]
    more: bool = False
    refused: Refusal | None = None


async def accesses(
    work: Work, asked: Asked, question: AccessQuestion, after: AccessPlace | None, limit: int
) -> Answer[Access]:
    """Who opened what and when, under which appointment and statement, and who was refused; oldest first."""

    async def find(mandate: Mandate) -> Sequence[Access]:
        named = await questions.scope_of(work.session, question.referral_id) if question.referral_id else None
        within = bounded(mandate, question, named)
        return await questions.find_accesses(work.session, mandate, within, after, limit + 1)

    return await answer(work, asked, find, limit)


async def events(work: Work, asked: Asked, aggregate: str, after: EventPlace | None, limit: int) -> Answer[KeptEvent]:
    """Every kept event of an aggregate as the exact bytes, in order of version."""

    async def find(mandate: Mandate) -> Sequence[KeptEvent]:
        check_aggregate(mandate, await questions.subjects_of(work.session, aggregate))
        return await questions.find_events(work.session, mandate, aggregate, after, limit + 1)

    return await answer(work, asked, find, limit)


async def answer(
    work: Work, asked: Asked, find: Callable[[Mandate], Awaitable[Sequence[Row]]], limit: int
) -> Answer[Row]:
    """Answer with what `find` finds within the auditor's mandate (one row more than the limit tells of more)."""
    mandate: Mandate | None = None
    try:
        held = await membership.mandates_of(work.session, asked.auditor_id, work.now)
        mandate = mandate_for([_mandate(one) for one in held], asked.mandate_id, work.now)
        found = await find(mandate)
        answer = Answer(rows=found[:limit], more=len(found) > limit)
    except Refusal as refusal:
        answer = Answer(rows=(), refused=refusal)
    query_id = work.ids.new()
    await work.emit(
        Emission(
            aggregate=f"query:{query_id}",
            data=QueryAnswered(
                query_id=query_id,
                auditor_id=asked.auditor_id,
                mandate_id=mandate.mandate_id if mandate else None,
                query=asked.query.value,
                parameters=asked.parameters,
                rows=len(answer.rows),
                refused=answer.refused.code if answer.refused else None,
            ),
            actor=Actor(ActorKind.AUDITOR, asked.auditor_id),
        )
    )
    return answer


def _mandate(held: membership.Mandate) -> Mandate:
    return Mandate(
        mandate_id=held.mandate_id,
        auditor_id=held.auditor_id,
        agencies=held.agencies,
        areas=frozenset(area.value for area in held.areas),
        valid_from=held.valid_from,
        valid_until=held.valid_until,
    )
