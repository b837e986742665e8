"""Kinds of bad events: every consumer of a service's topic must know where to put each."""

from collections.abc import Callable
from dataclasses import replace

from services.audit.domain.chain import FindingKind
from tests.service.bad_input.fates import (
    PASSED_OVER,
    TAKEN,
    Draft,
    Fate,
    Json,
    Kind,
    alone,
    found,
    lane,
)
from tests.service.bad_input.lanes import Lane, golden, golden_lane
from tests.service.bad_input.shared_kinds import SHARED
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.directory import AppointmentGranted
from tsunagu_contracts.topics import (
    AUDIT_EVENTS,
    COVERAGE,
    DIRECTORY_EVENTS,
    RECORDS,
    REFERRAL_EVENTS,
    TOPICS,
)

_INVALID = alone(RefusalCode.INVALID_CONTENT)
_UNKNOWN = alone(RefusalCode.UNKNOWN_TYPE)
_CODED: dict[str, tuple[str | int, ...]] = {
    DIRECTORY_EVENTS.name: ("kind",),
    REFERRAL_EVENTS.name: ("purpose",),
    COVERAGE.name: ("sections", 0, "category"),
    RECORDS.name: ("category",),
    AUDIT_EVENTS.name: ("refused",),
}
"""Where in a topic's data there is a code of a closed list."""

Spoil = Callable[[Draft, Lane], Draft]


def _members(**changes: object) -> Spoil:
    return lambda draft, _: draft.saying(draft.members | changes)


def _member(name: str, value: object, fate: Fate = _INVALID, *, called: str = "") -> Kind[Lane]:
    return Kind(called or f"`{name}` is `{value}`", _members(**{name: value}), fate)


def _without(name: str, fate: Fate) -> Kind[Lane]:
    def spoil(draft: Draft, _: Lane) -> Draft:
        return draft.saying({member: value for member, value in draft.members.items() if member != name})

    return Kind(f"without `{name}`", spoil, fate)


def _data(change: Callable[[Json], Json]) -> Spoil:
    def spoil(draft: Draft, _: Lane) -> Draft:
        data = draft.members["data"]
        assert isinstance(data, dict)
        return draft.saying(draft.members | {"data": change(data)})

    return spoil


def _without_its_first(data: Json) -> Json:
    return dict(list(data.items())[1:])


def _first_is_a_list(data: Json) -> Json:
    return data | {next(iter(data)): ["x"]}


def _unknown_code(draft: Draft, at: Lane) -> Draft:
    def change(value: object, path: tuple[str | int, ...]) -> object:
        if not path:
            return "of_tomorrow"
        step, rest = path[0], path[1:]
        if isinstance(value, list) and isinstance(step, int):
            return [change(each, rest) if place == step else each for place, each in enumerate(value)]
        assert isinstance(value, dict)
        return value | {step: change(value[step], rest)}

    return draft.saying(draft.members | {"data": change(draft.members["data"], _CODED[at.topic.name])})


def _of_another_topic(draft: Draft, at: Lane) -> Draft:
    """A sound event, where only another service may say it and nobody looks for it."""
    other = golden_lane(next(topic for topic in TOPICS if topic is not at.topic)).draft()
    return replace(other, topic=draft.topic, partition=draft.partition)


def _of_another_aggregate(draft: Draft, at: Lane) -> Draft:
    """An event that would use up a version of an aggregate of another service."""
    other = next(topic for topic in TOPICS if topic is not at.topic)
    return draft.saying(draft.members | {"aggregate": f"{other.aggregates[0]}:{at.ident}"})


def _another_source(draft: Draft, at: Lane) -> Draft:
    other = next(topic.producer for topic in TOPICS if topic.producer != at.topic.producer)
    return draft.saying(draft.members | {"source": f"tsunagu/{other}"})


def _version_plus(more: int) -> Spoil:
    return lambda draft, at: draft.saying(draft.members | {"version": at.version + 1 + more})


def _again(_: Draft, at: Lane) -> Draft:
    assert at.last is not None
    return at.last


def _again_otherwise(_: Draft, at: Lane) -> Draft:
    assert at.last is not None
    return at.last.saying(at.last.members | {"id": "other-bytes"})


def _before_the_calendar(draft: Draft, at: Lane) -> Draft:
    """An appointment that begins at a moment which has no name in UTC."""
    other = golden_lane(DIRECTORY_EVENTS)
    granted = other.draft_of(golden(AppointmentGranted, appointment_id=other.ident))
    members = granted.members
    data = members["data"]
    assert isinstance(data, dict)
    changed = {"aggregate": f"appointment:{other.ident}", "data": data | {"valid_from": "0001-01-01T00:00:00+14:00"}}
    return replace(granted, partition=draft.partition).saying(members | changed)


_CHAIN = (
    Kind("a version left out", _version_plus(1), lane(RefusalCode.VERSION_GAP), found(FindingKind.VERSION_GAP)),
    Kind(
        "a version far beyond",
        _version_plus(2**30),
        lane(RefusalCode.VERSION_GAP),
        found(FindingKind.VERSION_GAP),
    ),
    Kind(
        "another event before it",
        _members(previous=digest(b"another")),
        lane(RefusalCode.PREVIOUS_MISMATCH),
        found(FindingKind.PREVIOUS_MISMATCH),
    ),
    Kind(
        "no event before it",
        _members(previous=None),
        lane(RefusalCode.PREVIOUS_MISMATCH),
        found(FindingKind.PREVIOUS_MISMATCH),
    ),
    Kind("a version again", _again, PASSED_OVER),
    Kind("a version again, with other bytes", _again_otherwise, PASSED_OVER, found(FindingKind.VERSION_REWRITTEN)),
    Kind("a cause that has not been seen", _members(cause="agency:nobody@1"), lane(RefusalCode.CAUSE_NOT_SEEN)),
    Kind("a cause that only `audit` can see", _members(cause="query:nobody@1"), TAKEN),
    Kind("a cause of a kind that nobody knows", _members(cause="nothing:nobody@1"), TAKEN),
)
_ENVELOPE = (
    *(
        _without(name, _UNKNOWN if name == "type" else _INVALID if info.is_required() else TAKEN)
        for name, info in Event.model_fields.items()
    ),
    _member("specversion", "0.3"),
    _member("datacontenttype", "text/plain"),
    _member("id", 1),
    _member("id", "a\x00b", called="`id` with a zero byte"),
    _member("source", "agency/chiyoda-clinic-a"),
    _member("type", "nobody.knows.this.v1", _UNKNOWN),
    _member("type", 1, _UNKNOWN),
    Kind(
        "`type` in a version of tomorrow",
        lambda draft, _: draft.saying(draft.members | {"type": f"{str(draft.members['type'])[:-1]}99"}),
        alone(RefusalCode.UNKNOWN_VERSION),
    ),
    _member("time", "yesterday"),
    _member("time", "2026-04-01T09:00:00", called="`time` without an offset"),
    _member("time", 1775001600, called="`time` as a number"),
    _member("time", "1775001600", called="`time` as a number in a text"),
    _member("time", "0001-01-01T00:00:00+14:00", called="`time` before the calendar begins"),
    _member("time", "9999-12-31T23:59:59-14:00", called="`time` after the calendar ends"),
    _member("aggregate", "nothing"),
    _member("aggregate", ["a"]),
    _member("version", 0),
    _member("version", -1),
    _member("version", "2"),
    _member("version", 2.5),
    _member("version", 2.0, TAKEN),
    _member("version", 2**31),
    _member("version", True),
    _member("version", None),
    _member("previous", "short"),
    _member("previous", 1),
    _member("cause", "nothing"),
    _member("cause", "agency:nobody@0"),
    _member("cause", "agency:nobody@99999999999"),
    _member("cause", {}),
    _member("actor", "nobody"),
    _member("actor", None),
    _member("appointment", "not an id"),
    _member("data", None),
    _member("data", "text"),
    _member("data", []),
    Kind("`type` of another topic", _of_another_topic, _INVALID),
    Kind("`aggregate` of another topic", _of_another_aggregate, _INVALID),
    Kind("`source` of another service", _another_source, _INVALID),
)
_CONTENT: tuple[Kind[Lane], ...] = (
    Kind("data with a field that nobody knows", _data(lambda data: data | {"of_tomorrow": [1]}), TAKEN),
    Kind("data without a field", _data(_without_its_first), _INVALID),
    Kind("data with a list for an id", _data(_first_is_a_list), _INVALID),
    Kind("data with a code of tomorrow", _unknown_code, _INVALID, topics=frozenset(_CODED)),
    Kind(
        "a registration with a key that is none",
        _data(lambda data: data | {"signing_key": {"kty": "EC"}}),
        _INVALID,
        topics=frozenset({DIRECTORY_EVENTS.name}),
    ),
    Kind(
        "a registration with a zero byte in a name of its key",
        _data(lambda data: data | {"signing_key": {"a\x00b": 1}}),
        _INVALID,
        topics=frozenset({DIRECTORY_EVENTS.name}),
    ),
    Kind(
        "a registration with a zero byte in its key",
        _data(lambda data: data | {"signing_key": {"kty": "E\x00C"}}),
        _INVALID,
        topics=frozenset({DIRECTORY_EVENTS.name}),
    ),
    Kind(
        "an appointment from before the calendar begins",
        _before_the_calendar,
        _INVALID,
        topics=frozenset({DIRECTORY_EVENTS.name}),
    ),
    Kind(
        "coverage of a referral that does not exist",
        _data(lambda data: data | {"referral_id": "nobody"}),
        lane(RefusalCode.REFERRAL_UNKNOWN),
        topics=frozenset({COVERAGE.name}),
    ),
    Kind(
        "coverage for another addressee",
        _data(lambda data: data | {"addressee": "chiyoda-npo-a"}),
        lane(RefusalCode.INVALID_CONTENT),
        topics=frozenset({COVERAGE.name}),
    ),
    Kind(
        "coverage of other sections",
        _data(lambda data: data | {"sections": []}),
        lane(RefusalCode.INVALID_CONTENT),
        topics=frozenset({COVERAGE.name}),
    ),
    Kind(
        "a referral submitted once more",
        lambda _, at: at.draft_of(at.says(1)),
        TAKEN,
        topics=frozenset({REFERRAL_EVENTS.name}),
        differing={"consent": lane(RefusalCode.HANDLER_FAILED)},
    ),
)

EVENT_KINDS: tuple[Kind[Lane], ...] = (
    *(shared.of_events() for shared in SHARED),
    *_ENVELOPE,
    *_CHAIN,
    *_CONTENT,
)
"""Every kind of bad event."""


def kinds_on(topic: str) -> tuple[Kind[Lane], ...]:
    """The kinds that can stand on a topic."""
    return tuple(kind for kind in EVENT_KINDS if not kind.topics or topic in kind.topics)
