"""The decision of consent once more, written from its rules alone, as policies that Cedar evaluates.

A history of one person becomes one policy set: each grant permits, each no and each ended grant forbids unless
something later lifts it. Agency, category, purpose, moment and disasters are only known to Cedar, which answers from
principal, resource and context; what holds between two statements whatever is asked is settled while the policies
are written. That silence is no (rule 1) needs no policy: Cedar denies what nothing permits.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from cedarpy import AuthzResult, Decision, Entities, PolicySet, is_authorized_batch

from services.consent.domain.facts import Disaster, Facts, Support
from services.consent.domain.statements import Statement
from tsunagu_contracts.codes import Category, Purpose, RepresentationGround, StatementKind, StatementMethod

SCHEMA = """
entity Agency;
entity Section { category: String };
action open appliesTo {
  principal: Agency,
  resource: Section,
  context: { purpose: String, time: Long, disasters: Set<String> }
};
"""
"""What Cedar knows of a request, and of what type; no policy may look at anything else."""

SECTIONS = Entities.from_json_str(
    json.dumps(
        [{"uid": {"type": "Section", "id": each}, "attrs": {"category": each}, "parents": []} for each in Category]
    ),
    SCHEMA,
)
"""One section of each category."""

NOES = (StatementKind.REFUSE, StatementKind.WITHDRAW)
TO_ANY_RECIPIENT = (Category.IDENTITY, Category.CONTACT)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Expression = str
"""A condition in Cedar's language."""


class Question(NamedTuple):
    """Whether this agency may open a section of this category, for this purpose, at this moment."""

    category: Category
    recipient: str
    purpose: Purpose
    at: datetime


class CedarError(Exception):
    """Cedar could not evaluate a policy or a request; its answer would be worth nothing."""


def permits(statements: Iterable[Statement], facts: Facts, as_of: int, questions: Sequence[Question]) -> list[bool]:
    """What Cedar answers to each question on this history as of this number."""
    policies = PolicySet.from_str(policies_of(statements, facts, as_of))
    requests = [_request(question, facts.disasters) for question in questions]
    return [_permitted(answer) for answer in is_authorized_batch(requests, policies, SECTIONS)]


def policies_of(statements: Iterable[Statement], facts: Facts, as_of: int) -> str:
    """The policies, in Cedar's language, of a history as of this number."""
    counted = [statement for statement in statements if statement.number <= as_of]
    rules = Rules(
        grants=tuple(each for each in counted if each.kind is StatementKind.GRANT),
        noes=tuple(each for each in counted if each.kind in NOES),
        confirmations=tuple(each for each in counted if each.kind is StatementKind.CONFIRM),
        supports=tuple(support for support in facts.supports if support.number <= as_of),
    )
    return "\n".join(
        [
            *(rules.grant_policy(grant) for grant in rules.grants),
            *(rules.no_policy(no) for no in rules.noes),
            *(rules.ended_grant_policy(grant) for grant in rules.grants if grant.valid_until is not None),
            *(rules.named_refusal_policy(no) for no in rules.noes if _is_refusal_by_name(no)),
        ]
    )


@dataclass(frozen=True)
class Rules:
    """The rules, each as a condition on a request, for what one person has said up to a number."""

    grants: tuple[Statement, ...]
    noes: tuple[Statement, ...]
    confirmations: tuple[Statement, ...]
    supports: tuple[Support, ...]

    def grant_policy(self, grant: Statement) -> str:
        """Rule 9: a grant that stands permits until it ends."""
        return _policy("permit", f"grant {grant.number}", self.stands[grant.number], unless=self.has_ended(grant))

    def no_policy(self, no: Statement) -> str:
        """Rule 9: a no forbids until a later grant stands."""
        return _policy("forbid", f"no {no.number}", self.counts(no), unless=self.grant_stands_after(no))

    def ended_grant_policy(self, grant: Statement) -> str:
        """Rule 9: a grant that has ended forbids until a later one stands; no earlier one comes back to life."""
        ended = _all_of([self.stands[grant.number], self.has_ended(grant)])
        return _policy("forbid", f"ended grant {grant.number}", ended, unless=self.grant_stands_after(grant))

    def named_refusal_policy(self, refusal: Statement) -> str:
        """Rule 10: a refusal by name forbids until a later grant by name stands and has not ended.

        A grant that lifts the last such refusal lifts every earlier one, so each may ask for itself.
        """
        return _policy(
            "forbid", f"refusal by name {refusal.number}", self.counts(refusal), unless=self.lifted_by_name(refusal)
        )

    def speaks(self, statement: Statement) -> Expression:
        """Speaking of the request: its category, its purpose and its recipient are among the statement's."""
        return _all_of(
            [
                _any_text("resource.category", statement.categories),
                _any_text("context.purpose", statement.purposes),
                "true" if statement.recipients is None else _any_agency(statement.recipients),
            ]
        )

    def counts(self, no: Statement) -> Expression:
        """Rule 2: a no counts whatever its period and its condition."""
        return self.speaks(no)

    def is_void(self, grant: Statement) -> Expression:
        """Rule 3: the grant was stated no later than some no was recorded."""
        return _any_of(self.counts(no) for no in self.noes if grant.stated_at <= no.recorded_at)

    def is_heard_by_recipient_alone(self, grant: Statement) -> Expression:
        """Rule 4: the recipient alone has heard it, and asks for more than identity and contact."""
        return _all_of(
            [
                self.is_spoken_to_recipient(grant),
                _not(_any_text("resource.category", TO_ANY_RECIPIENT)),
                _not(self.is_supported(grant)),
            ]
        )

    def is_spoken_to_recipient(self, statement: Statement) -> Expression:
        """Rule 4: the statement was spoken, and the recipient itself has recorded it."""
        if statement.how is not StatementMethod.SPOKEN or statement.recorded_by_agency is None:
            return "false"
        return _is_agency(statement.recorded_by_agency)

    def is_supported(self, grant: Statement) -> Expression:
        """Rule 4, (a) to (c): by evidence, by another agency, or by a confirmation."""
        of_grant = [support for support in self.supports if support.statement_id == grant.statement_id]
        return _any_of(
            [
                *("true" for support in of_grant if support.agency_id is None),
                *(_not(_is_agency(support.agency_id)) for support in of_grant if support.agency_id is not None),
                *(
                    _not(self.is_spoken_to_recipient(confirmation))
                    for confirmation in self.confirmations
                    if _confirms(confirmation, grant)
                ),
            ]
        )

    def has_begun(self, grant: Statement) -> Expression:
        """Rule 5: its period has begun."""
        return f"context.time >= {_microseconds(grant.valid_from)}"

    def has_ended(self, grant: Statement) -> Expression:
        """Rule 5: its period has ended."""
        return "false" if grant.valid_until is None else f"context.time >= {_microseconds(grant.valid_until)}"

    def condition_is_met(self, grant: Statement) -> Expression:
        """Rule 6: a disaster is on in the area that the grant waits for, if it waits for one."""
        return "true" if grant.disaster_in is None else f"context.disasters.contains({_text(grant.disaster_in)})"

    @cached_property
    def said(self) -> dict[int, Expression]:
        """Rules 3 to 6: by number, when a grant is said."""
        return {
            grant.number: _all_of(
                [
                    self.speaks(grant),
                    _not(self.is_void(grant)),
                    _not(self.is_heard_by_recipient_alone(grant)),
                    self.has_begun(grant),
                    self.condition_is_met(grant),
                ]
            )
            for grant in self.grants
        }

    def is_last_word(self, no: Statement, grants: Iterable[Statement]) -> Expression:
        """Rules 7 and 8: after this no, its speaker has said none of these grants of theirs."""
        later = (self.said[grant.number] for grant in grants if grant.number > no.number)
        return _all_of([self.counts(no), _not(_any_of(later))])

    def person_refuses(self, grant: Statement) -> Expression:
        """Rule 7: the person's own last word is a no, and this grant of a representative does not overrule it."""
        if grant.representation is None:
            return "false"
        own_grants = [each for each in self.grants if each.representation is None]
        own_noes = [each for each in self.noes if each.representation is None]
        if grant.representation.overrides is not None:
            own_noes = [no for no in own_noes if no.number > grant.number]
        return _any_of(self.is_last_word(no, own_grants) for no in own_noes)

    def other_parent_refuses(self, grant: Statement) -> Expression:
        """Rule 8: the last word of another parent than the one who grants is a no."""
        parent = _parent(grant)
        if parent is None:
            return "false"
        return _any_of(
            self.is_last_word(no, (each for each in self.grants if _parent(each) == _parent(no)))
            for no in self.noes
            if _parent(no) not in (None, parent)
        )

    @cached_property
    def stands(self) -> dict[int, Expression]:
        """Rules 3 to 8: by number, when a grant stands."""
        return {
            grant.number: _all_of(
                [
                    self.said[grant.number],
                    _not(self.person_refuses(grant)),
                    _not(self.other_parent_refuses(grant)),
                ]
            )
            for grant in self.grants
        }

    def grant_stands_after(self, statement: Statement) -> Expression:
        """Rule 9: this is not the last one."""
        return _any_of(self.stands[grant.number] for grant in self.grants if grant.number > statement.number)

    def lifted_by_name(self, refusal: Statement) -> Expression:
        """Rule 10: a later grant stands, has not ended, and names the recipient."""
        return _any_of(
            _all_of([self.stands[grant.number], _not(self.has_ended(grant))])
            for grant in self.grants
            if grant.number > refusal.number and grant.recipients is not None
        )


def _confirms(confirmation: Statement, grant: Statement) -> bool:
    """Whether the confirmation names the grant and was said by the person or by the grant's own representative."""
    if confirmation.confirms != grant.statement_id:
        return False
    if confirmation.representation is None:
        return True
    return (
        grant.representation is not None
        and grant.representation.representative_id == confirmation.representation.representative_id
    )


def _is_refusal_by_name(no: Statement) -> bool:
    """Whether it refuses agencies by name; a withdrawal does not."""
    return no.kind is StatementKind.REFUSE and no.recipients is not None


def _parent(statement: Statement) -> str | None:
    """The parent who said it, or None where nobody spoke as a parent."""
    representation = statement.representation
    if representation is None or representation.ground is not RepresentationGround.PARENT:
        return None
    return representation.representative_id


def _request(question: Question, disasters: Collection[Disaster]) -> dict[str, object]:
    return {
        "principal": {"type": "Agency", "id": question.recipient},
        "action": {"type": "Action", "id": "open"},
        "resource": {"type": "Section", "id": question.category},
        "context": {
            "purpose": question.purpose,
            "time": _microseconds(question.at),
            "disasters": sorted({disaster.area for disaster in disasters if _is_on(disaster, question.at)}),
        },
    }


def _is_on(disaster: Disaster, at: datetime) -> bool:
    """Rule 6: declared by then, and not yet lifted."""
    return at >= disaster.declared_at and (disaster.lifted_at is None or at < disaster.lifted_at)


def _permitted(answer: AuthzResult) -> bool:
    # Cedar skips a policy that it cannot evaluate, were it one that forbids.
    if answer.diagnostics.errors or answer.decision is Decision.NoDecision:
        raise CedarError(answer.diagnostics.errors)
    return answer.allowed


def _policy(effect: str, name: str, when: Expression, unless: Expression) -> str:
    return (
        f'@id("{name}")\n{effect} (principal, action == Action::"open", resource)\n'
        f"when {{ {when} }}\nunless {{ {unless} }};\n"
    )


def _all_of(conditions: Iterable[Expression]) -> Expression:
    needed = [condition for condition in conditions if condition != "true"]
    if "false" in needed:
        return "false"
    return f"({' && '.join(needed)})" if needed else "true"


def _any_of(conditions: Iterable[Expression]) -> Expression:
    possible = [condition for condition in conditions if condition != "false"]
    if "true" in possible:
        return "true"
    return f"({' || '.join(possible)})" if possible else "false"


def _not(condition: Expression) -> Expression:
    return {"true": "false", "false": "true"}.get(condition, f"!({condition})")


def _is_agency(agency_id: str) -> Expression:
    return f"principal == Agency::{_text(agency_id)}"


def _any_agency(agency_ids: Collection[str]) -> Expression:
    return _any_of(_is_agency(each) for each in sorted(agency_ids))


def _any_text(attribute: Expression, values: Collection[str]) -> Expression:
    return _any_of(f"{attribute} == {_text(each)}" for each in sorted(values))


def _text(value: str) -> Expression:
    return json.dumps(value, ensure_ascii=False)


def _microseconds(moment: datetime) -> int:
    """Cedar counts in whole numbers; these lose nothing of a moment."""
    return (moment - EPOCH) // timedelta(microseconds=1)
