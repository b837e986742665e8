"""The state table of referrals: which party may do what in which state, and where that leads.

All states stand here; the pairs that are absent are refused with a reason. Visits, cancellation, expiry and
correction have their names already and get their rows when they can be done.
"""

from dataclasses import dataclass
from enum import StrEnum

from tsunagu_contracts.codes import ReferralState as State
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal


class Party(StrEnum):
    """As what somebody acts on a referral."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    PERSON = "person"
    CONSENT = "consent"
    TIMER = "timer"
    OPERATOR = "operator"


class Act(StrEnum):
    """Everything that can move a referral; what agencies do has the same code as in their messages."""

    SUBMIT = "submit"
    COVER = "cover"
    UNCOVER = "uncover"
    ACCEPT = "accept"
    DECLINE = "decline"
    START = "start"
    COMPLETE = "complete"


CLOSED = frozenset({State.DECLINED, State.CANCELLED, State.COMPLETED, State.EXPIRED, State.ENTERED_IN_ERROR})
"""States in which a referral has ended: nothing moves it and nothing of it can be opened."""

OPEN = frozenset(State) - CLOSED
"""States in which somebody is accountable for the referral."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: in `start` (None before there is a referral) `party` may do `act`, which leads to `end`.

    `halted_in` is set on the rows of a halted referral alone: the state in which it was halted.
    """

    start: State | None
    party: Party
    act: Act
    end: State
    halted_in: State | None = None


TABLE: tuple[Transition, ...] = (
    Transition(None, Party.SENDER, Act.SUBMIT, State.SUBMITTED),
    # Nothing is delivered before something is covered; what is to be asked may change while it waits.
    Transition(State.SUBMITTED, Party.CONSENT, Act.UNCOVER, State.AWAITING_CONSENT),
    Transition(State.SUBMITTED, Party.CONSENT, Act.COVER, State.DELIVERED),
    Transition(State.AWAITING_CONSENT, Party.CONSENT, Act.UNCOVER, State.AWAITING_CONSENT),
    Transition(State.AWAITING_CONSENT, Party.CONSENT, Act.COVER, State.DELIVERED),
    # What the recipient does with it (BSeR: acceptance, decline, interim note, outcome).
    Transition(State.DELIVERED, Party.RECIPIENT, Act.ACCEPT, State.ACCEPTED),
    Transition(State.DELIVERED, Party.RECIPIENT, Act.DECLINE, State.DECLINED),
    Transition(State.ACCEPTED, Party.RECIPIENT, Act.START, State.IN_PROGRESS),
    Transition(State.ACCEPTED, Party.RECIPIENT, Act.DECLINE, State.DECLINED),
    Transition(State.ACCEPTED, Party.RECIPIENT, Act.COMPLETE, State.COMPLETED),
    Transition(State.IN_PROGRESS, Party.RECIPIENT, Act.DECLINE, State.DECLINED),
    Transition(State.IN_PROGRESS, Party.RECIPIENT, Act.COMPLETE, State.COMPLETED),
    # Nothing is covered any more, and covered again: back to where it was.
    Transition(State.DELIVERED, Party.CONSENT, Act.UNCOVER, State.HALTED),
    Transition(State.ACCEPTED, Party.CONSENT, Act.UNCOVER, State.HALTED),
    Transition(State.IN_PROGRESS, Party.CONSENT, Act.UNCOVER, State.HALTED),
    Transition(State.HALTED, Party.CONSENT, Act.COVER, State.DELIVERED, State.DELIVERED),
    Transition(State.HALTED, Party.CONSENT, Act.COVER, State.ACCEPTED, State.ACCEPTED),
    Transition(State.HALTED, Party.CONSENT, Act.COVER, State.IN_PROGRESS, State.IN_PROGRESS),
    # A person who withdraws everything may want no more help: the recipient can then end it.
    Transition(State.HALTED, Party.RECIPIENT, Act.DECLINE, State.DECLINED, State.DELIVERED),
    Transition(State.HALTED, Party.RECIPIENT, Act.DECLINE, State.DECLINED, State.ACCEPTED),
    Transition(State.HALTED, Party.RECIPIENT, Act.DECLINE, State.DECLINED, State.IN_PROGRESS),
    Transition(State.HALTED, Party.RECIPIENT, Act.COMPLETE, State.COMPLETED, State.ACCEPTED),
    Transition(State.HALTED, Party.RECIPIENT, Act.COMPLETE, State.COMPLETED, State.IN_PROGRESS),
)
"""The table itself; diagrams and tests are drawn from it."""

_BY_KEY = {(row.start, row.halted_in, row.party, row.act): row.end for row in TABLE}
_PARTIES = {act: frozenset(row.party for row in TABLE if row.act is act) for act in Act}


def leads_to(start: State | None, halted_in: State | None, party: Party, act: Act) -> State | None:
    """Look up the state to which the act leads; None where the table has no such row."""
    return _BY_KEY.get((start, halted_in, party, act))


def next_state(start: State | None, halted_in: State | None, party: Party, act: Act) -> State:
    """Look up the state to which the act leads.

    Refuses what the table does not have: `not_permitted` for an act that is never this party's,
    `referral_not_open` after the end, else `transition_not_allowed`.
    """
    end = leads_to(start, halted_in, party, act)
    if end is not None:
        return end
    if party not in _PARTIES[act]:
        raise Refusal(RefusalCode.NOT_PERMITTED, act=act.value, party=party.value)
    if start in CLOSED:
        raise Refusal(RefusalCode.REFERRAL_NOT_OPEN, act=act.value, state=start.value)
    raise Refusal(RefusalCode.TRANSITION_NOT_ALLOWED, act=act.value, state=start.value if start else "none")
