"""Which grants count: for each that does not, what stands in its way.

A grant is *said* when it was heard by more than its recipient, is not void, has begun and its condition is met. A
said grant *stands* unless the person themself, or the other parent, has the last word and it is no.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.consent.domain.facts import Facts
from services.consent.domain.requests import Request
from services.consent.domain.statements import Statement
from tsunagu_contracts.codes import Category, DecisionReason, StatementKind, StatementMethod

HEARD_BY_RECIPIENT_ALONE = frozenset({Category.IDENTITY, Category.CONTACT})
"""What spoken consent covers when nobody but the recipient heard it."""


@dataclass(frozen=True, slots=True)
class LastWords:
    """The last word of the person themself, and of each holder of parental authority."""

    own: Statement | None
    parents: Mapping[str | None, Statement]

    @classmethod
    def among(cls, words: Sequence[Statement]) -> "LastWords":
        """Find them among words in the order of their numbers."""
        own = [word for word in words if word.representation is None]
        parents = {
            word.voice: word for word in words if word.representation is not None and word.representation.is_parent
        }
        return cls(own[-1] if own else None, parents)

    def overrule(self, grant: Statement) -> DecisionReason | None:
        """Why a representative's grant does not stand: the person's own no, or the other parent's."""
        representation = grant.representation
        if representation is None:
            return None
        own = self.own
        if own is not None and own.is_negative and not (representation.overrides and grant.number > own.number):
            return DecisionReason.PERSON_REFUSES_THEMSELF
        others = [word for voice, word in self.parents.items() if voice != grant.voice]
        if representation.is_parent and any(word.is_negative for word in others):
            return DecisionReason.OTHER_PARENT_REFUSES
        return None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was said that speaks of a request, in the order of its numbers, and what supports it."""

    request: Request
    negatives: Sequence[Statement]
    grants: Sequence[Statement]
    supported: frozenset[str]
    facts: Facts

    @classmethod
    def of(cls, statements: Iterable[Statement], request: Request, as_of: int, facts: Facts) -> "Hearing":
        """Hear the statements and facts numbered up to `as_of`; their order does not matter."""
        recorded = sorted((s for s in statements if s.number <= as_of), key=lambda s: s.number)
        heard = [s for s in recorded if _speaks_of(s, request)]
        grants = [s for s in heard if s.kind is StatementKind.GRANT]
        return cls(
            request,
            [s for s in heard if s.is_negative],
            grants,
            _supported(grants, recorded, request, as_of, facts),
            facts,
        )

    def obstacles(self) -> Mapping[int, DecisionReason]:
        """What stands in the way of each grant that does not count, by its number."""
        found = {grant.number: reason for grant in self.grants if (reason := self._unsaid(grant)) is not None}
        words = [*self.negatives, *(grant for grant in self.grants if grant.number not in found)]
        last_words = LastWords.among(sorted(words, key=lambda word: word.number))
        for grant in self.grants:
            if grant.number not in found and (reason := last_words.overrule(grant)) is not None:
                found[grant.number] = reason
        return found

    def _unsaid(self, grant: Statement) -> DecisionReason | None:
        if self._heard_by_recipient_alone(grant):
            return DecisionReason.SPOKEN_TO_RECIPIENT_ONLY
        if any(grant.stated_at <= negative.recorded_at for negative in self.negatives):
            return DecisionReason.GRANT_STATED_BEFORE_NEGATIVE
        if grant.valid_from > self.request.at:
            return DecisionReason.GRANT_NOT_YET_IN_FORCE
        if grant.disaster_in is not None and not self.facts.is_disaster(grant.disaster_in, self.request.at):
            return DecisionReason.CONDITION_NOT_MET
        return None

    def _heard_by_recipient_alone(self, grant: Statement) -> bool:
        return (
            self.request.category not in HEARD_BY_RECIPIENT_ALONE
            and _spoken_to(grant, self.request.recipient)
            and grant.statement_id not in self.supported
        )


def _speaks_of(statement: Statement, request: Request) -> bool:
    return (
        request.category in statement.categories
        and request.purpose in statement.purposes
        and statement.concerns(request.recipient)
    )


def _spoken_to(statement: Statement, agency_id: str) -> bool:
    return statement.how is StatementMethod.SPOKEN and statement.recorded_by_agency == agency_id


def _supported(
    grants: Iterable[Statement], recorded: Iterable[Statement], request: Request, as_of: int, facts: Facts
) -> frozenset[str]:
    """The grants that rest on more than what the recipient heard: evidence, a countersignature, a confirmation."""
    by_others = {
        support.statement_id
        for support in facts.supports
        if support.number <= as_of and support.agency_id != request.recipient
    }
    confirmations = [s for s in recorded if s.kind is StatementKind.CONFIRM and not _spoken_to(s, request.recipient)]
    return frozenset(
        grant.statement_id
        for grant in grants
        if grant.statement_id in by_others or any(_confirms(each, grant) for each in confirmations)
    )


def _confirms(confirmation: Statement, grant: Statement) -> bool:
    """Whether it is this grant's confirmation, by the person or by the representative who granted."""
    return confirmation.confirms == grant.statement_id and confirmation.voice in (None, grant.voice)
