"""The decision: may this recipient open this category for this purpose, as of this number?

A pure function of (statements, facts, request, as_of), so that every past decision can be replayed. The rules:

- silence is no; among the statements that apply, the one recorded last decides;
- a refusal or withdrawal counts from its recording, has no period and outlives every older grant;
- a grant stated no later than an applicable negative was recorded is void, however late it arrives;
- a grant applies once its period has begun and while its condition is met; when its period has ended, it no longer
  permits, and no earlier and wider one comes back to life in its stead;
- a refusal that names the recipient yields only to a grant that names it, for as long as that grant runs;
- a representative's grant overrules the person's own last no only on a recorded ground; between parents no wins;
- spoken consent that the recipient itself wrote down covers identity and contact, nothing more, until evidence, a
  countersignature or a confirmation supports it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.facts import NO_FACTS, Facts
from services.consent.domain.grants import Hearing
from services.consent.domain.requests import Request
from services.consent.domain.statements import Statement
from tsunagu_contracts.codes import DecisionReason, StatementKind

_AGAINST_A_NO = (
    DecisionReason.GRANT_STATED_BEFORE_NEGATIVE,
    DecisionReason.PERSON_REFUSES_THEMSELF,
    DecisionReason.OTHER_PARENT_REFUSES,
)
"""Why a grant that came after a no has not lifted it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer with its reason and the statement it rests on, if any."""

    permit: bool
    reason: DecisionReason
    statement_id: str | None = None
    statement_number: int | None = None


def decide(statements: Iterable[Statement], request: Request, as_of: int, facts: Facts = NO_FACTS) -> Decision:
    """Decide over the statements and facts numbered up to `as_of`; their order does not matter."""
    hearing = Hearing.of(statements, request, as_of, facts)
    obstacles = hearing.obstacles()
    standing = [grant for grant in hearing.grants if grant.number not in obstacles]

    last = max((*hearing.negatives, *standing), key=lambda s: s.number, default=None)
    if last is None:
        return _nothing_counts(hearing.grants, obstacles)
    if last.is_negative:
        return _deny(_reason_of_negative(last, obstacles), last)
    refusal = _unyielding_refusal(hearing.negatives, standing, request)
    if refusal is not None:
        return _deny(DecisionReason.NAMED_REFUSAL_STANDS, refusal)
    if _has_ended(last, request.at):
        return _deny(DecisionReason.GRANT_EXPIRED, last)
    return Decision(True, DecisionReason.GRANTED, last.statement_id, last.number)


def _has_ended(grant: Statement, at: datetime) -> bool:
    return grant.valid_until is not None and grant.valid_until <= at


def _unyielding_refusal(
    negatives: Sequence[Statement], standing: Sequence[Statement], request: Request
) -> Statement | None:
    """The last refusal that names the recipient, unless a running grant recorded after it names it too."""
    refusals = [s for s in negatives if s.kind is StatementKind.REFUSE and s.names(request.recipient)]
    if not refusals:
        return None
    lifted = any(
        grant.number > refusals[-1].number and grant.names(request.recipient) and not _has_ended(grant, request.at)
        for grant in standing
    )
    return None if lifted else refusals[-1]


def _nothing_counts(grants: Sequence[Statement], obstacles: Mapping[int, DecisionReason]) -> Decision:
    if not grants:
        return Decision(False, DecisionReason.NO_STATEMENT)
    return _deny(obstacles[grants[-1].number], grants[-1])


def _reason_of_negative(last: Statement, obstacles: Mapping[int, DecisionReason]) -> DecisionReason:
    later = [reason for number, reason in sorted(obstacles.items()) if number > last.number]
    against = [reason for reason in later if reason in _AGAINST_A_NO]
    if against:
        return against[-1]
    if last.kind is StatementKind.REFUSE:
        return DecisionReason.REFUSED_BY_PERSON
    return DecisionReason.WITHDRAWN_BY_PERSON


def _deny(reason: DecisionReason, statement: Statement) -> Decision:
    return Decision(False, reason, statement.statement_id, statement.number)
