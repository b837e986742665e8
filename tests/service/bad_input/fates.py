"""What a kind of bad input is, how it is spoilt, and where each consumer must put it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

from services.audit.domain.chain import FindingKind
from tsunagu_contracts.codes import RefusalCode

Json = dict[str, object]
Headers = tuple[tuple[bytes, bytes | None], ...]
Scene = TypeVar("Scene", contravariant=True)


@dataclass(frozen=True)
class Draft:
    """A message before it has a place in Kafka; names of headers are bytes, for not all of them are text."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def members(self) -> Json:
        """The JSON object that a sound message is."""
        found = json.loads(self.value or b"")
        assert isinstance(found, dict)
        return found

    def saying(self, value: object) -> "Draft":
        """The same message with this JSON value for its own."""
        return replace(self, value=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


class Place(StrEnum):
    """Where a message ends, in the words of the table."""

    TAKEN = "takes effect"
    PASSED_OVER = "passed over"
    ALONE = "parked alone"
    LANE = "parked, its lane behind it"
    REFUSED = "refused to its sender"
    ANSWERED_AGAIN = "answered as before"
    KEPT = "kept"
    FOUND = "kept, found"


@dataclass(frozen=True)
class Fate:
    """A place, and the code with which a message stands there; `finding` is what `audit` calls it."""

    place: Place
    code: RefusalCode | None = None
    finding: FindingKind | None = None

    def __str__(self) -> str:
        named = [f"`{each.value}`" for each in (self.finding, self.code) if each is not None]
        return f"{self.place.value}: {' '.join(named)}" if named else self.place.value


TAKEN = Fate(Place.TAKEN)
PASSED_OVER = Fate(Place.PASSED_OVER)
ANSWERED_AGAIN = Fate(Place.ANSWERED_AGAIN)
KEPT = Fate(Place.KEPT)


def alone(code: RefusalCode) -> Fate:
    """Parked, and nothing waits behind it."""
    return Fate(Place.ALONE, code)


def lane(code: RefusalCode) -> Fate:
    """Parked, and later messages of its lane behind it."""
    return Fate(Place.LANE, code)


def refused(code: RefusalCode) -> Fate:
    """Answered with `message.refused`."""
    return Fate(Place.REFUSED, code)


def found(kind: FindingKind, code: RefusalCode | None = None) -> Fate:
    """Kept by `audit` as it came, with a finding."""
    return Fate(Place.FOUND, code, kind)


@dataclass(frozen=True)
class Kind(Generic[Scene]):
    """One kind of bad input: what it is called, how a sound message becomes it, and where it ends.

    `fate` is that of the services, `differing` of those that put it elsewhere, and `audit` that of `audit` where it
    does not follow from `fate`. `topics` are the ones it can stand on; empty means each.
    """

    name: str
    spoil: Callable[[Draft, Scene], Draft]
    fate: Fate
    audit: Fate | None = None
    topics: frozenset[str] = frozenset()
    differing: Mapping[str, Fate] = field(default_factory=dict)

    def at(self, service: str) -> Fate:
        """Where it ends in this service."""
        if service != "audit":
            return self.differing.get(service, self.fate)
        if self.audit is not None:
            return self.audit
        return found(FindingKind.UNDECODABLE, self.fate.code) if self.fate.place is Place.ALONE else KEPT

    @property
    def is_of_its_lane(self) -> bool:
        """Whether the next event of its aggregate follows this one, and not the one before it."""
        return self.fate.place in (Place.TAKEN, Place.LANE)


@dataclass(frozen=True)
class Shared:
    """A kind that events of services and messages of agencies have in common."""

    name: str
    spoil: Callable[[Draft], Draft]
    events: Fate
    agencies: Fate

    def of_events(self) -> Kind[object]:
        """As a kind of events."""
        return Kind(self.name, lambda draft, _: self.spoil(draft), self.events)

    def of_agencies(self) -> Kind[object]:
        """As a kind of agencies' messages."""
        return Kind(self.name, lambda draft, _: self.spoil(draft), self.agencies)
