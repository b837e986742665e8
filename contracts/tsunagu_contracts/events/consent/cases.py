"""A person's requests: 開示・訂正・利用停止 (個人情報保護法33条から35条), and how agencies answer.

Each event tells of one agency and one referral of its own, so that a mandate bounds what an auditor sees of a case.
"""

from typing import ClassVar

from tsunagu_contracts.codes import CaseEnd, CaseKind, CaseRefusal, CaseWay
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import AgencyId, Compact, Id, Instant, Whole


class CaseOpened(EventData):
    """A person's request was received and is to be answered by a date."""

    TYPE: ClassVar[str] = "case.opened.v1"

    record_id: Id
    number: Whole
    case_id: Id
    referral_id: Id
    kind: CaseKind
    how: CaseWay
    representative_id: Id | None
    received_at: Instant
    opened_at: Instant
    due_at: Instant
    opened_by: RecordedBy
    message_id: Id
    manifest: Compact


class CaseAsked(EventData):
    """An agency is asked to answer for its own part of a case."""

    TYPE: ClassVar[str] = "case.asked.v1"

    record_id: Id
    number: Whole
    case_id: Id
    part_id: Id
    agency_id: AgencyId
    referral_id: Id
    due_at: Instant


class CaseAnswered(EventData):
    """An agency has answered for its own part."""

    TYPE: ClassVar[str] = "case.answered.v1"

    record_id: Id
    number: Whole
    case_id: Id
    part_id: Id
    agency_id: AgencyId
    referral_id: Id
    end: CaseEnd
    refused_under: CaseRefusal | None
    answered_at: Instant
    answered_by: RecordedBy
    message_id: Id
    manifest: Compact


class CaseOverdue(EventData):
    """The date has passed and the agency has not answered for its part."""

    TYPE: ClassVar[str] = "case.overdue.v1"

    record_id: Id
    number: Whole
    case_id: Id
    part_id: Id
    agency_id: AgencyId
    referral_id: Id
    due_at: Instant
    noticed_at: Instant


class CaseClosed(EventData):
    """Every agency that was asked has answered for its part."""

    TYPE: ClassVar[str] = "case.closed.v1"

    record_id: Id
    number: Whole
    case_id: Id
    referral_id: Id
    closed_at: Instant
