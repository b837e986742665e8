"""That an agency has reported its records of openings."""

from typing import ClassVar

from tsunagu_contracts.codes import ProvisionSide
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import AgencyId, Compact, Id, Instant, Whole


class ProvisionReported(EventData):
    """An agency has reported records of openings; their ids and digests are in its signed manifest."""

    TYPE: ClassVar[str] = "provision.reported.v1"

    report_id: Id
    agency_id: AgencyId
    side: ProvisionSide
    records: Whole
    reported_at: Instant
    message_id: Id
    manifest: Compact
