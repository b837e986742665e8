"""What `audit` says: that an auditor has asked, and what; that an agency has reported its records."""

from collections.abc import Mapping
from typing import ClassVar

from tsunagu_contracts.codes import ProvisionSide, RefusalCode
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import AgencyId, Compact, Id, Instant, Whole


class QueryAnswered(EventData):
    """An auditor asked under a mandate; `refused` says why nothing was shown, if so."""

    TYPE: ClassVar[str] = "query.answered.v1"

    query_id: Id
    auditor_id: Id
    mandate_id: Id | None
    query: Id
    parameters: Mapping[Id, str]
    rows: Whole
    refused: RefusalCode | None = None


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
