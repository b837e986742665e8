"""What the person sees, in codes with their words."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from services.consent.domain.receipts import why_not_opened
from services.consent.storage.viewing import Asked, Owed, Said
from services.consent.use_cases import visits
from tsunagu_contracts.codes import Category, Language
from tsunagu_contracts.plain_words import CATEGORIES, CAUSES, IN_PERSON, KINDS, NOT_OPENED, PURPOSES, Words
from tsunagu_contracts.types import AgencyId, Frozen, Instant


class Told(Frozen):
    """A code, and what it means in the language asked for."""

    code: str
    text: str


class StatementTold(Frozen):
    """What was said; `agencies` null means every agency."""

    kind: Told
    categories: tuple[Told, ...]
    agencies: tuple[AgencyId, ...] | None
    purposes: tuple[Told, ...]
    only_in_disaster: bool
    by_representative: bool
    valid_from: Instant
    valid_until: Instant | None
    recorded_at: Instant


class OpeningTold(Frozen):
    """That an agency opened something."""

    agency: AgencyId
    category: Told
    purpose: Told
    at: Instant


class RefusalTold(Frozen):
    """That an agency asked to open something and it did not open."""

    agency: AgencyId
    category: Told
    purpose: Told
    reason: Told
    at: Instant


class ObligationTold(Frozen):
    """That an agency still has to delete something, or to say by which law it keeps it."""

    agency: AgencyId
    category: Told
    cause: Told
    due_at: Instant


class LimitsTold(Frozen):
    """What the person hides from representatives."""

    categories: tuple[Told, ...]
    agencies: tuple[AgencyId, ...]


class View(Frozen):
    """Everything that the person sees; `in_person` stands in every answer, whether or not anything is left out."""

    language: Language
    in_person: str
    statements: tuple[StatementTold, ...]
    openings: tuple[OpeningTold, ...]
    refusals: tuple[RefusalTold, ...]
    obligations: tuple[ObligationTold, ...]
    hidden_from_representatives: LimitsTold | None


def view_of(seen: visits.View, language: Language) -> View:
    """What is answered of what may be seen, in a language."""

    def tell(code: StrEnum, words: Words) -> Told:
        return Told(code=code.value, text=words.told(language))

    limits = seen.from_representatives
    return View(
        language=language,
        in_person=IN_PERSON.told(language),
        statements=tuple(_statement(each, tell) for each in seen.said),
        openings=tuple(_opening(each, tell) for each in seen.asked if each.opened),
        refusals=tuple(_refusal(each, tell) for each in seen.asked if not each.opened),
        obligations=tuple(_obligation(each, tell) for each in seen.owed),
        hidden_from_representatives=(
            None
            if limits is None
            else LimitsTold(
                categories=_categories([each for each in Category if each in limits.categories], tell),
                agencies=tuple(sorted(limits.agencies)),
            )
        ),
    )


_Tell = Callable[[StrEnum, Words], Told]


def _statement(said: Said, tell: _Tell) -> StatementTold:
    return StatementTold(
        kind=tell(said.kind, KINDS[said.kind]),
        categories=_categories(said.categories, tell),
        agencies=said.recipients,
        purposes=tuple(tell(each, PURPOSES[each]) for each in said.purposes),
        only_in_disaster=said.only_in_disaster,
        by_representative=said.by_representative,
        valid_from=said.valid_from,
        valid_until=said.valid_until,
        recorded_at=said.recorded_at,
    )


def _opening(asked: Asked, tell: _Tell) -> OpeningTold:
    return OpeningTold(
        agency=asked.agency_id,
        category=tell(asked.category, CATEGORIES[asked.category]),
        purpose=tell(asked.purpose, PURPOSES[asked.purpose]),
        at=asked.at,
    )


def _refusal(asked: Asked, tell: _Tell) -> RefusalTold:
    why = why_not_opened(asked.reason)
    return RefusalTold(**_opening(asked, tell).model_dump(), reason=tell(why, NOT_OPENED[why]))


def _obligation(owed: Owed, tell: _Tell) -> ObligationTold:
    return ObligationTold(
        agency=owed.agency_id,
        category=tell(owed.category, CATEGORIES[owed.category]),
        cause=tell(owed.cause, CAUSES[owed.cause]),
        due_at=owed.due_at,
    )


def _categories(categories: Sequence[Category], tell: _Tell) -> tuple[Told, ...]:
    return tuple(tell(each, CATEGORIES[each]) for each in categories)
