"""The envelope of every event between services: CloudEvents 1.0 in structured JSON, with our extensions.

`aggregate` and `version` order an aggregate's events, `previous` is the digest of the aggregate's last
event, `cause` names what must be seen before this event, `actor` and `appointment` say who acted.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self, get_origin

from pydantic import (
    SerializeAsAny,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from tsunagu_contracts.actors import ActorString
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest as digest
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events import EVENTS
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.types import Digest, Frozen, Id, Instant, Version

AGGREGATE_PATTERN = r"^[a-z]+:[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Aggregate = Annotated[str, StringConstraints(pattern=AGGREGATE_PATTERN)]
"""The name of an aggregate, `<kind>:<id>`; the id is the Kafka key of its events."""

_TYPE = re.compile(r"^(?P<stem>[a-z_]+(\.[a-z_]+)+)\.v(?P<version>[1-9][0-9]*)$")
_NAMES = frozenset(EVENTS)
_STEMS = frozenset(name.rpartition(".v")[0] for name in _NAMES)
_OPEN = frozenset(
    name
    for data in EVENTS.values()
    for name, field in data.model_fields.items()
    if get_origin(field.annotation) is Mapping
)
"""The fields of data whose members have names of the sender's choice."""


class Cause(NamedTuple):
    """The version of an aggregate that brought an event about; written `<aggregate>@<version>`."""

    aggregate: str
    version: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the written form, which the envelope has already checked."""
        aggregate, _, version = text.rpartition("@")
        return cls(aggregate, int(version))

    def __str__(self) -> str:
        return f"{self.aggregate}@{self.version}"


class Event(Frozen):
    """One event of a service, as it stands on its topic."""

    specversion: Literal["1.0"] = "1.0"
    id: Id
    source: Annotated[str, StringConstraints(pattern=r"^tsunagu/[a-z]+$")]
    type: str
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    aggregate: Aggregate
    version: Version
    previous: Digest | None
    cause: Annotated[str, StringConstraints(pattern=AGGREGATE_PATTERN[:-1] + r"@[1-9][0-9]{0,8}$")] | None = None
    actor: ActorString
    appointment: Id | None = None
    data: SerializeAsAny[EventData]

    @field_validator("data", mode="before")
    @classmethod
    def _data_of_type(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, EventData):
            return value
        return EVENTS[info.data["type"]].model_validate(value)

    @property
    def key(self) -> str:
        """The Kafka key: the aggregate's id."""
        return key_of(self.aggregate)

    @cached_property
    def encoded(self) -> bytes:
        """The bytes of the event, made once: outbox, answer and inbound topics all take them."""
        return self.model_dump_json().encode()


def key_of(aggregate: str) -> str:
    """The id part of an aggregate's name, which is the Kafka key of its events."""
    return aggregate.partition(":")[2]


def encode_event(event: Event) -> bytes:
    """The bytes of an event; they are written once and travel unchanged."""
    return event.encoded


def check_type(name: object, known: frozenset[str], stems: frozenset[str]) -> str:
    """Return `name` when it is known; else refuse with `unknown_version` or `unknown_type`."""
    if isinstance(name, str) and name in known:
        return name
    match = _TYPE.fullmatch(name) if isinstance(name, str) else None
    if match is not None and match["stem"] in stems:
        raise Refusal(RefusalCode.UNKNOWN_VERSION)
    raise Refusal(RefusalCode.UNKNOWN_TYPE)


def decode_event(raw: bytes) -> Event:
    """Read an event from its bytes.

    Refuses with `not_utf8`, `malformed_json`, `unknown_type`, `unknown_version` or `invalid_content`.
    """
    return event_of(parse_object(raw))


def event_of(value: Mapping[str, object]) -> Event:
    """Read an event from a JSON object; refuses with `unknown_type`, `unknown_version` or `invalid_content`."""
    check_type(value.get("type"), _NAMES, _STEMS)
    try:
        return Event.model_validate(value)
    except ValidationError as error:
        raise Refusal(RefusalCode.INVALID_CONTENT, where=_place(error)) from None


def _place(error: ValidationError) -> str:
    """Where the first fault is, in names of ours: one inside an open mapping is the sender's and is not repeated."""
    location = [str(part) for part in error.errors(include_input=False)[0]["loc"]]
    end = next((place + 1 for place, part in enumerate(location) if part in _OPEN), len(location))
    return ".".join(location[:end])[:80]
