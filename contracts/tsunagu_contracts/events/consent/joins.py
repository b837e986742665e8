"""Records that are one person's: joined, and unjoined again; each event stands on both streams."""

from typing import ClassVar

from tsunagu_contracts.codes import JoinMethod, UnjoinReason
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import Compact, Id, Instant, Whole


class RecordJoined(EventData):
    """From this number on the record is one person's with another record, from that one's own number on.

    Where a card was shown to an agency that knew the person already, both records are the same one.
    """

    TYPE: ClassVar[str] = "record.joined.v1"

    record_id: Id
    number: Whole
    join_id: Id
    other_record_id: Id
    other_number: Whole
    how: JoinMethod
    joined_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact


class RecordUnjoined(EventData):
    """A join is undone from these numbers on; other joins of the two records stand."""

    TYPE: ClassVar[str] = "record.unjoined.v1"

    record_id: Id
    number: Whole
    join_id: Id
    other_record_id: Id
    other_number: Whole
    reason: UnjoinReason
    unjoined_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact
