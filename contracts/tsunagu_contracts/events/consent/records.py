"""A person's record, under a random id."""

from typing import ClassVar

from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import Id


class RecordOpened(EventData):
    """A person's record begins, under a random id that says nothing of the person."""

    TYPE: ClassVar[str] = "record.opened.v1"

    record_id: Id


class RecordReferralLinked(EventData):
    """A referral speaks of the person of this record."""

    TYPE: ClassVar[str] = "record.referral_linked.v1"

    record_id: Id
    referral_id: Id
