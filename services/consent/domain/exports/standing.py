"""How a statement stands at a moment: it counts, its period is over, or a later word has taken its place."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.consent.domain.coverage import Referral
from services.consent.domain.decisions import Decision, decide
from services.consent.domain.facts import Disaster, Facts, Support
from services.consent.domain.requests import Request
from services.consent.domain.statements import Statement
from services.consent.domain.word import Word
from tsunagu_contracts.codes import StatementKind

_ANYBODY_ELSE = ""
"""Stands for every agency that no statement names; no agency has this id."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a statement counts; where it does not, since when, and what took its place (None: its period is over)."""

    counts: bool
    since: datetime
    overtaken_by: StatementKind | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a reader may know of the person's word on a referral.

    `here` is what was recorded through that referral; `whole` is everything, of which the reader learns no more than
    coverage tells the referral's parties: whether its sections open to its addressee.
    """

    referral: Referral
    here: Word
    whole: Word

    def is_told(self, request: Request) -> bool:
        """Whether coverage tells the referral's parties how this request is decided."""
        return (
            request.recipient == self.referral.addressee
            and request.purpose is self.referral.purpose
            and any(section.category is request.category for section in self.referral.sections)
        )


def standing_of(statement: Statement, heard: Heard, at: datetime) -> Standing:
    """How a statement stands, as far as this reader may know.

    It counts while anything that it speaks of rests on it; one that waits for its period, its condition or its support
    counts, and a no has no period. Where nothing that coverage tells of rests on it any more because of what was said
    elsewhere, it does not count for this reader, who is told by which kind of word, and not when it was said.
    """
    ends = None if statement.is_negative else statement.valid_until
    if ends is not None and ends <= at:
        return Standing(False, ends)
    requests = list(_requests(statement, heard, at))
    told = [_takes_its_place(statement, heard.whole, request) for request in requests if heard.is_told(request)]
    if told and None not in told:
        last = max(filter(None, told), key=lambda each: each.number)
        if last not in heard.here.statements:
            return Standing(False, at, last.kind)
    found = [_takes_its_place(statement, heard.here, request) for request in requests]
    if None in found:
        return Standing(True, statement.recorded_at)
    last = max(filter(None, found), key=lambda each: each.number)
    return Standing(False, last.recorded_at, last.kind)


def _takes_its_place(statement: Statement, word: Word, request: Request) -> Statement | None:
    """The statement that decides instead of this one; None where this one does."""
    decision = _decide_as_if_met(statement, word, request)
    return next(
        (each for each in word.statements if each.statement_id == decision.statement_id != statement.statement_id), None
    )


def _decide_as_if_met(statement: Statement, word: Word, request: Request) -> Decision:
    """Decide as if the statement's period had begun, its condition were met and it were supported.

    A confirmation is taken as the grant that it says again.
    """
    kind = StatementKind.GRANT if statement.kind is StatementKind.CONFIRM else statement.kind
    rest = [each for each in word.statements if each.statement_id != statement.statement_id]
    moment = request.at if statement.is_negative else max(request.at, statement.valid_from)
    on = {Disaster(statement.disaster_in, moment)} if statement.disaster_in else set()
    facts = Facts(word.facts.supports | {Support(statement.statement_id, 0)}, word.facts.disasters | on)
    as_of = max((each.number for each in rest), default=statement.number)
    return decide(
        [*rest, replace(statement, kind=kind)],
        replace(request, at=moment),
        max(as_of, statement.number),
        facts,
    )


def _requests(statement: Statement, heard: Heard, at: datetime) -> Iterator[Request]:
    """Everything that the statement speaks of; of recipients that no statement tells apart one is enough."""
    said = (*heard.here.statements, *heard.whole.statements)
    named = {agency_id for each in said for agency_id in each.recipients or ()}
    recipients = statement.recipients or {heard.referral.addressee, _ANYBODY_ELSE, *named}
    apart = {
        (
            recipient == heard.referral.addressee,
            *((each.names(recipient), each.recorded_by_agency == recipient) for each in said),
        ): recipient
        for recipient in sorted(recipients)
    }
    for category in statement.categories:
        for purpose in statement.purposes:
            for recipient in apart.values():
                yield Request(category, recipient, purpose, at)
