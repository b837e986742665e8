"""A person's record is erased."""

from typing import ClassVar

from tsunagu_contracts.codes import StatementMethod
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import Compact, Id, Instant, Whole


class RecordErased(EventData):
    """From this number on nothing of the record opens; the keys of these handles are destroyed wherever they are kept.

    It is all that a database restored from before needs to destroy them again.
    """

    TYPE: ClassVar[str] = "record.erased.v1"

    record_id: Id
    number: Whole
    erasure_id: Id
    referral_id: Id
    handle_ids: tuple[Id, ...]
    how: StatementMethod
    stated_at: Instant
    erased_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact
