"""Every time a key was asked for."""

from typing import ClassVar

from tsunagu_contracts.codes import Category, Purpose
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.referral import Reason
from tsunagu_contracts.types import AgencyId, Id, Instant, Whole


class ReleaseGranted(EventData):
    """The key of one section was handed to one agency, under one statement; `provider` is who had sealed it."""

    TYPE: ClassVar[str] = "release.granted.v1"

    record_id: Id
    number: Whole
    release_id: Id
    referral_id: Id
    section_id: Id
    category: Category
    purpose: Purpose
    recipient: AgencyId
    coordinator_id: Id
    appointment_id: Id
    statement_id: Id
    statement_number: Whole
    decided_at: Instant
    provider: AgencyId | None = None


class ReleaseRefused(EventData):
    """Someone asked for the key of a section and did not get it."""

    TYPE: ClassVar[str] = "release.refused.v1"

    record_id: Id | None
    number: Whole | None
    release_id: Id
    referral_id: Id
    section_id: Id
    category: Category | None
    recipient: AgencyId
    coordinator_id: Id
    appointment_id: Id | None
    reason: Reason
    decided_at: Instant
