"""Asking the person: requests and reviews, each a duty of one agency with a date, and what became of it."""

from typing import ClassVar

from tsunagu_contracts.codes import Category, PersonChange, Purpose, RequestKind, ReviewAnswer
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import AgencyId, Compact, Id, Instant, Whole


class RequestFacts(EventData):
    """What every event of a request tells, so that no reader must remember earlier ones; `agency_id` must ask."""

    record_id: Id
    number: Whole
    request_id: Id
    kind: RequestKind
    agency_id: AgencyId
    referral_id: Id
    deadline: Instant


class ConsentRequested(RequestFacts):
    """A party of a referral asks that the person be asked."""

    TYPE: ClassVar[str] = "consent.requested.v1"

    categories: tuple[Category, ...]
    purposes: tuple[Purpose, ...]
    recipients: tuple[AgencyId, ...] | None
    requested_at: Instant
    requested_by: RecordedBy
    message_id: Id
    manifest: Compact


class GrantRenewalDue(RequestFacts):
    """A grant ends soon, or has stood for a year: whoever recorded it is to ask again."""

    TYPE: ClassVar[str] = "grant.renewal_due.v1"

    statement_id: Id
    categories: tuple[Category, ...]
    purposes: tuple[Purpose, ...]
    recipients: tuple[AgencyId, ...] | None
    noticed_at: Instant


class ReviewOpened(RequestFacts):
    """Something has changed in the person's life: an agency is to look at what it recorded and sent."""

    TYPE: ClassVar[str] = "consent.review_opened.v1"

    change: PersonChange
    opened_at: Instant


class RequestReminded(RequestFacts):
    """Half of the time has passed and nobody has answered."""

    TYPE: ClassVar[str] = "consent.request_reminded.v1"

    noticed_at: Instant


class RequestAnswered(RequestFacts):
    """The person has spoken (`statement_id`), or an agency says what came of its review (`answer` and its message).

    Nobody's message came with it where the person spoke at their own door.
    """

    TYPE: ClassVar[str] = "consent.request_answered.v1"

    statement_id: Id | None
    answer: ReviewAnswer | None
    answered_at: Instant
    answered_by: RecordedBy | None
    message_id: Id | None
    manifest: Compact | None


class RequestLapsed(RequestFacts):
    """The date has passed without an answer; silence is no, and nothing is covered by it."""

    TYPE: ClassVar[str] = "consent.request_lapsed.v1"

    noticed_at: Instant


class PersonChanged(EventData):
    """From this number on something is known to have changed in the person's life, as an agency reports it."""

    TYPE: ClassVar[str] = "person.changed.v1"

    record_id: Id
    number: Whole
    change_id: Id
    referral_id: Id
    change: PersonChange
    recorded_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact
