"""Disasters, with no person in them."""

from typing import ClassVar

from tsunagu_contracts.codes import Area
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy
from tsunagu_contracts.types import Compact, Id, Instant


class DisasterDeclared(EventData):
    """Consent that was given for a disaster in one of these areas counts from now on."""

    TYPE: ClassVar[str] = "disaster.declared.v1"

    disaster_id: Id
    areas: tuple[Area, ...]
    declared_at: Instant
    said_by: RecordedBy
    message_id: Id
    manifest: Compact


class DisasterLifted(EventData):
    """The disaster is over, and so is what was consented to for its sake."""

    TYPE: ClassVar[str] = "disaster.lifted.v1"

    disaster_id: Id
    areas: tuple[Area, ...]
    lifted_at: Instant
    said_by: RecordedBy
    message_id: Id
    manifest: Compact
