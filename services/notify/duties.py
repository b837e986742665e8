"""Who is told of what an agency is to do for a person: those on duty there, and in the end whoever supervises them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from services.notify.domain import Duty, Message, Notice
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import (
    ConsentRequested,
    GrantRenewalDue,
    ObligationIncurred,
    ObligationOverdue,
    RequestLapsed,
    RequestReminded,
    ReviewOpened,
)

_TOKYO = timezone(timedelta(hours=9), "Asia/Tokyo")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: the message for those on duty, and the one for who supervises them, if they are told."""

    message: Message
    escalated: Message | None = None


RULES: Mapping[type[EventData], Rule] = {
    ObligationIncurred: Rule(Message.OBLIGATION_INCURRED),
    ObligationOverdue: Rule(Message.OBLIGATION_OVERDUE, Message.OBLIGATION_OVERDUE_ESCALATED),
    ConsentRequested: Rule(Message.PERSON_TO_ASK),
    RequestReminded: Rule(Message.PERSON_STILL_TO_ASK),
    RequestLapsed: Rule(Message.NOBODY_ANSWERED, Message.NOBODY_ANSWERED_ESCALATED),
    GrantRenewalDue: Rule(Message.GRANT_TO_RENEW),
    ReviewOpened: Rule(Message.CHANGE_TO_REVIEW),
}
"""What of a person's record is told; everything else on it is nobody's business here."""


@dataclass(frozen=True, slots=True)
class Task:
    """What an agency is to do, by its own id and never the person's: which referral it is about, and by when."""

    about: str
    agency_id: str
    referral_id: str
    due_on: date
    at: datetime
    rule: Rule


def task(event: Event) -> Task | None:
    """What is to be told of an event of a person's record; None where nothing is."""
    match event.data:
        case ObligationIncurred() | ObligationOverdue() as data:
            about, due_at = data.obligation_id, data.due_at
        case ConsentRequested() | RequestReminded() | RequestLapsed() | GrantRenewalDue() | ReviewOpened() as data:
            about, due_at = data.request_id, data.deadline
        case _:
            return None
    if data.referral_id is None:
        return None  # of the time before overdue obligations named their referral
    due_on = due_at.astimezone(_TOKYO).date()
    return Task(about, data.agency_id, data.referral_id, due_on, event.time, RULES[type(data)])


def notices(told: Task, duties: Collection[Duty]) -> Sequence[Notice]:
    """The notices of one task, one per coordinator, in the order of their ids; `duties` are the agency's.

    Supervisors are told what is escalated, and everything where nobody else is on duty.
    """
    on_duty = [duty for duty in duties if duty.agency_id == told.agency_id and duty.holds(told.at)]
    above = {duty.coordinator_id for duty in on_duty if duty.supervises}
    workers = {duty.coordinator_id for duty in on_duty} - above or above
    messages = dict.fromkeys(workers, told.rule.message)
    if told.rule.escalated is not None:
        messages |= dict.fromkeys(above, told.rule.escalated)
    return [
        Notice(
            referral_id=told.referral_id,
            referral_version=0,
            coordinator_id=coordinator_id,
            agency_id=told.agency_id,
            message=messages[coordinator_id],
            about=told.about,
            due_on=told.due_on,
        )
        for coordinator_id in sorted(messages)
    ]
