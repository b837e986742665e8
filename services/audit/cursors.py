"""Cursors: a place in an order of results, as an opaque text that the next request hands back."""

import base64
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from services.audit.storage.provisions import RecordPlace
from services.audit.storage.questions import AccessPlace, EventPlace
from tsunagu_contracts.codes import ProvisionSide, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.types import AgencyId, Id, Instant

Place = TypeVar("Place")

_Small = Annotated[int, Field(ge=0, lt=2**31)]
_Large = Annotated[int, Field(ge=0, lt=2**63)]
_ACCESS = TypeAdapter(tuple[Instant, Id])
_RECORD = TypeAdapter(tuple[AgencyId, Id, ProvisionSide])
_EVENT = TypeAdapter(tuple[_Small, _Small, _Large])


def of_access(place: AccessPlace) -> str:
    """The cursor of the page after this access."""
    return _text(_ACCESS.dump_json((place.decided_at, place.release_id)))


def access_place(cursor: str | None) -> AccessPlace | None:
    """Where a cursor of accesses points; refuses with `invalid_content` what is none."""
    return None if cursor is None else AccessPlace(*_parsed(_ACCESS, cursor))


def of_event(place: EventPlace) -> str:
    """The cursor of the page after this event."""
    return _text(_EVENT.dump_json((place.version, place.partition, place.offset)))


def event_place(cursor: str | None) -> EventPlace | None:
    """Where a cursor of events points; refuses with `invalid_content` what is none."""
    return None if cursor is None else EventPlace(*_parsed(_EVENT, cursor))


def of_record(place: RecordPlace) -> str:
    """The cursor of the page after this record."""
    return _text(_RECORD.dump_json((place.agency_id, place.release_id, place.side)))


def record_place(cursor: str | None) -> RecordPlace | None:
    """Where a cursor of records points; refuses with `invalid_content` what is none."""
    return None if cursor is None else RecordPlace(*_parsed(_RECORD, cursor))


def _text(place: bytes) -> str:
    return base64.urlsafe_b64encode(place).decode()


def _parsed(adapter: TypeAdapter[Place], cursor: str) -> Place:
    try:
        return adapter.validate_json(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValidationError, ValueError):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="cursor") from None
