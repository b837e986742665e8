"""Every time a key was asked for."""

from typing import ClassVar

from tsunagu_contracts.codes import Category, Purpose
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.referral import Reason
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant, Whole


class RecordNumber(Frozen):
    """A record that is joined with another, and the number up to which it was read."""

    record_id: Id
    number: Whole


class ReleaseGranted(EventData):
    """The key of one section was handed to one agency, under one statement; `provider` is who had sealed it.

    The statement may be of another record that is joined with this one; `statement_number` is its number there.
    `joined` is up to which numbers those other records were read; null where there was none.
    """

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
    joined: tuple[RecordNumber, ...] | None = None
    provider: AgencyId | None = None


class ReleaseRefused(EventData):
    """Someone asked for the key of a section and did not get it; `joined` as for `ReleaseGranted`."""

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
    joined: tuple[RecordNumber, ...] | None = None
