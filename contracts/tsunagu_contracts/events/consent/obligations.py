"""What agencies owe for what they may no longer hold."""

from typing import ClassVar

from tsunagu_contracts.codes import Category, KeptUnder, ObligationCause, ObligationEnd
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import AgencyId, Compact, Id, Instant, Whole


class ObligationIncurred(EventData):
    """An agency may no longer hold a section that it has opened, and owes an answer by a date."""

    TYPE: ClassVar[str] = "obligation.incurred.v1"

    record_id: Id
    number: Whole
    obligation_id: Id
    agency_id: AgencyId
    referral_id: Id
    section_id: Id
    category: Category
    cause: ObligationCause
    incurred_at: Instant
    due_at: Instant


class ObligationEnded(EventData):
    """An obligation is over; `answered_by` and `manifest` are the agency's word, absent where it was lifted."""

    TYPE: ClassVar[str] = "obligation.ended.v1"

    record_id: Id
    number: Whole
    obligation_id: Id
    agency_id: AgencyId
    end: ObligationEnd
    kept_under: KeptUnder | None
    ended_at: Instant
    answered_by: RecordedBy | None
    message_id: Id | None
    manifest: Compact | None


class ObligationOverdue(EventData):
    """The date has passed and the agency has not answered."""

    TYPE: ClassVar[str] = "obligation.overdue.v1"

    record_id: Id
    number: Whole
    obligation_id: Id
    agency_id: AgencyId
    due_at: Instant
    noticed_at: Instant
    referral_id: Id | None = None
