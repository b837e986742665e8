"""What agencies say of handles that are one person's: cards, joins, and joins undone."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from tsunagu_contracts.codes import StatementMethod, UnjoinReason
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Notice
from tsunagu_contracts.types import Compact, Frozen, Id, Instant


class CardWanted(Frozen):
    """For the person of which referral a card is wanted; it takes the place of every earlier one."""

    referral_id: Id


class HandlesJoined(Frozen):
    """That a referral speaks of the person of a card, or by that person's word of the same one as another referral.

    `card` is the card's secret, sealed to `consent`. Without it `other_referral_id`, `how`, `stated_at` and `notice`
    are all there.
    """

    join_id: Id
    referral_id: Id
    card: Compact | None = None
    other_referral_id: Id | None = None
    how: StatementMethod | None = None
    stated_at: Instant | None = None
    notice: Notice | None = None

    @model_validator(mode="after")
    def _is_by_card_or_by_word(self) -> Self:
        word = (self.other_referral_id, self.how, self.stated_at, self.notice)
        if (None in word) if self.card is None else (word != (None,) * len(word)):
            raise ValueError("a join is by card, or by the person's word in full, and not by both")
        return self


class HandlesUnjoined(Frozen):
    """That a join was a mistake, or is no longer wanted by the person."""

    join_id: Id
    reason: UnjoinReason


class IssueCard(Manifest):
    """The wish for a new card for a person, of whom the agency has a referral."""

    TYPE: ClassVar[str] = "agency.card.issue.v1"

    type: Literal["agency.card.issue.v1"] = "agency.card.issue.v1"
    expectedversion: Literal[0] = 0
    data: CardWanted


class JoinHandles(Manifest):
    """The person's card or word, by which what two agencies know is one person's."""

    TYPE: ClassVar[str] = "agency.handles.join.v1"

    type: Literal["agency.handles.join.v1"] = "agency.handles.join.v1"
    expectedversion: Literal[0] = 0
    data: HandlesJoined


class UnjoinHandles(Manifest):
    """The undoing of a join, by the agency that recorded it or by one that has a referral on either side."""

    TYPE: ClassVar[str] = "agency.handles.unjoin.v1"

    type: Literal["agency.handles.unjoin.v1"] = "agency.handles.unjoin.v1"
    expectedversion: Literal[0] = 0
    data: HandlesUnjoined
