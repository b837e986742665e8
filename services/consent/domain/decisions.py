"""The decision: may this recipient open this category for this purpose, as of this number?

A pure function of (statements, request, as_of), so that every past decision can be replayed. The rules:

- silence is no; among the statements that apply, the one recorded last decides;
- a refusal or withdrawal counts from its recording, has no period and outlives every older grant;
- a grant stated no later than an applicable negative was recorded is void, however late it arrives;
- a grant applies once its period has begun; when it has ended, the grant no longer permits, and no earlier
  and wider one comes back to life in its stead;
- a refusal that names the recipient yields only to a grant that names it, for as long as that grant runs;
- spoken consent that the recipient itself wrote down covers identity and contact, nothing more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.statements import Statement
from tsunagu_contracts.codes import Category, DecisionReason, Purpose, StatementKind, StatementMethod

HEARD_BY_RECIPIENT_ALONE = frozenset({Category.IDENTITY, Category.CONTACT})
"""What spoken consent covers when nobody but the recipient heard it."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who would open what, for which purpose, at which moment."""

    category: Category
    recipient: str
    purpose: Purpose
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer with its reason and the statement it rests on, if any."""

    permit: bool
    reason: DecisionReason
    statement_id: str | None = None
    statement_number: int | None = None


def decide(statements: Iterable[Statement], request: Request, as_of: int) -> Decision:
    """Decide over the statements numbered up to `as_of`; their order does not matter."""
    heard = sorted((s for s in statements if s.number <= as_of and _speaks_of(s, request)), key=lambda s: s.number)
    negatives = [s for s in heard if s.is_negative]
    candidates = [s for s in heard if not s.is_negative and not _heard_by_recipient_alone(s, request)]
    standing = [s for s in candidates if s.valid_from <= request.at and not _is_void(s, negatives)]

    last = max((*negatives, *standing), key=lambda s: s.number, default=None)
    if last is None:
        return _nothing_applies(heard, candidates)
    if last.is_negative:
        return _deny(_reason_of_negative(last, candidates, negatives), last)
    refusal = _unyielding_refusal(negatives, standing, request)
    if refusal is not None:
        return _deny(DecisionReason.NAMED_REFUSAL_STANDS, refusal)
    if _has_ended(last, request.at):
        return _deny(DecisionReason.GRANT_EXPIRED, last)
    return Decision(True, DecisionReason.GRANTED, last.statement_id, last.number)


def _speaks_of(statement: Statement, request: Request) -> bool:
    return (
        request.category in statement.categories
        and request.purpose in statement.purposes
        and statement.concerns(request.recipient)
    )


def _heard_by_recipient_alone(grant: Statement, request: Request) -> bool:
    return (
        grant.how is StatementMethod.SPOKEN
        and grant.recorded_by_agency == request.recipient
        and request.category not in HEARD_BY_RECIPIENT_ALONE
    )


def _is_void(grant: Statement, negatives: list[Statement]) -> bool:
    return any(grant.stated_at <= negative.recorded_at for negative in negatives)


def _has_ended(grant: Statement, at: datetime) -> bool:
    return grant.valid_until is not None and grant.valid_until <= at


def _unyielding_refusal(negatives: list[Statement], standing: list[Statement], request: Request) -> Statement | None:
    """The last refusal that names the recipient, unless a running grant recorded after it names it too."""
    refusals = [s for s in negatives if s.kind is StatementKind.REFUSE and s.names(request.recipient)]
    if not refusals:
        return None
    lifted = any(
        grant.number > refusals[-1].number and grant.names(request.recipient) and not _has_ended(grant, request.at)
        for grant in standing
    )
    return None if lifted else refusals[-1]


def _nothing_applies(heard: list[Statement], candidates: list[Statement]) -> Decision:
    if candidates:
        return _deny(DecisionReason.GRANT_NOT_YET_IN_FORCE, candidates[-1])
    if heard:
        return _deny(DecisionReason.SPOKEN_TO_RECIPIENT_ONLY, heard[-1])
    return Decision(False, DecisionReason.NO_STATEMENT)


def _reason_of_negative(last: Statement, candidates: list[Statement], negatives: list[Statement]) -> DecisionReason:
    if any(grant.number > last.number and _is_void(grant, negatives) for grant in candidates):
        return DecisionReason.GRANT_STATED_BEFORE_NEGATIVE
    if last.kind is StatementKind.REFUSE:
        return DecisionReason.REFUSED_BY_PERSON
    return DecisionReason.WITHDRAWN_BY_PERSON


def _deny(reason: DecisionReason, statement: Statement) -> Decision:
    return Decision(False, reason, statement.statement_id, statement.number)
