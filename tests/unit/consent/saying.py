"""A short way to write statements down in tests, as `grant(1, ...)`, `refuse(2, ...)`, `withdraw(3, ...)`."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from services.consent.domain.statements import Representation, Statement
from tsunagu_contracts.codes import (
    Area,
    Category,
    OverrideGround,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)

CLINIC, DESK, SCHOOL = "kanda-clinic", "fujimi-desk", "nishi-school"
START = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


GUARDIAN = Representation("guardian", RepresentationGround.ADULT_GUARDIAN)
GUARDIAN_OVERRULES = Representation("guardian", RepresentationGround.ADULT_GUARDIAN, OverrideGround.PROTECTION_OF_LIFE)
MOTHER = Representation("mother", RepresentationGround.PARENT)
FATHER = Representation("father", RepresentationGround.PARENT)


def at(minutes: float) -> datetime:
    """The moment so many minutes after the start of the case."""
    return START + timedelta(minutes=minutes)


def said(
    kind: StatementKind,
    number: int,
    *,
    categories: Iterable[Category] = (Category.HEALTH,),
    to: Iterable[str] | None = (DESK,),
    purposes: Iterable[Purpose] = (Purpose.SERVICE,),
    how: StatementMethod = StatementMethod.WRITTEN,
    stated: float | None = None,
    recorded: float | None = None,
    begins: float = -1000,
    ends: float | None = None,
    by: str = CLINIC,
    of: Representation | None = None,
    disaster: Area | None = None,
    confirms: int | None = None,
) -> Statement:
    """One statement; unless told otherwise it is stated and recorded `number` minutes after the start."""
    moment = recorded if recorded is not None else float(number)
    return Statement(
        statement_id=f"statement-{number}",
        number=number,
        kind=kind,
        categories=frozenset(categories),
        recipients=None if to is None else frozenset(to),
        purposes=frozenset(purposes),
        how=how,
        valid_from=at(begins),
        valid_until=None if ends is None else at(ends),
        stated_at=at(moment if stated is None else stated),
        recorded_at=at(moment),
        recorded_by_agency=by,
        representation=of,
        disaster_in=disaster,
        confirms=None if confirms is None else f"statement-{confirms}",
    )
