"""What agencies have disclosed outside the network."""

from typing import ClassVar

from tsunagu_contracts.codes import Category, DisclosureGround, DisclosureWay, OutsideBody
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import AgencyId, Compact, Id, Instant, Whole


class DisclosureRecorded(EventData):
    """An agency has disclosed something outside the network, to an agency or a body; no key has moved for it."""

    TYPE: ClassVar[str] = "disclosure.recorded.v1"

    record_id: Id
    number: Whole
    disclosure_id: Id
    referral_id: Id
    ground: DisclosureGround
    way: DisclosureWay
    to_agency: AgencyId | None
    to_body: OutsideBody | None
    categories: tuple[Category, ...]
    disclosed_at: Instant
    recorded_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact
