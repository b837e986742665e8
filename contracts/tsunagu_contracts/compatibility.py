"""Which changes of a contract break somebody who reads it, in the reader's terms.

Logs are replayed, so today's readers meet yesterday's messages, and readers are not all renewed at
once, so yesterday's readers meet today's messages. Three rules follow. What could be written before
must still be readable: nothing is narrowed. What a reader could count on must still be there: nothing
is removed, loosened below a floor, or given another form. What a reader merely does not know yet (an
optional property, a further value of a closed list, a higher ceiling) may be added, readers first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Schema = Mapping[str, object]
"""A JSON Schema (2020-12), as it is read from JSON."""

_ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "examples", "deprecated"})
_CEILINGS = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_FLOORS = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_FORMS = ("pattern", "format")
_COMPARED = frozenset(
    {"type", "const", "enum", "default", "$ref", "anyOf", "oneOf"}
    | {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}
    | {"items", "prefixItems", *_CEILINGS, *_FLOORS, *_FORMS}
)
_LOCAL = "#/$defs/"
_ABSENT = object()
_NULL: Schema = {"type": "null"}


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Name each change from `old` to `new` that breaks a reader; an empty list means there is none.

    Each line starts with the place, e.g. `data.sections[].state: value 'covered' removed …`. A keyword
    that this function does not understand counts as breaking when it changed.
    """
    comparison = _Comparison(_Document(old), _Document(new))
    return list(dict.fromkeys(comparison.nodes("", old, new)))


@dataclass(frozen=True, slots=True)
class _Document:
    root: Schema

    def resolve(self, node: Schema) -> Schema:
        """Follow local references; what stands beside a reference (a default) holds as well."""
        while isinstance(reference := node.get("$ref"), str) and reference.startswith(_LOCAL):
            beside = {name: value for name, value in node.items() if name != "$ref"}
            node = {**_mapping(_mapping(self.root.get("$defs"))[reference.removeprefix(_LOCAL)]), **beside}
        return node

    def alternatives(self, node: Schema) -> list[Schema]:
        """What a value may be, one schema each; closed lists of texts count as one longer list."""
        resolved = self.resolve(node)
        several = resolved.get("anyOf", resolved.get("oneOf"))
        if several is None:
            return [resolved]
        flat = [plain for one in _sequence(several) for plain in self.alternatives(_mapping(one))]
        lists = [one for one in flat if "enum" in one]
        if len(lists) < 2 or any(one.get("type") != "string" for one in lists):
            return flat
        values = [value for one in lists for value in _sequence(one["enum"])]
        return [one for one in flat if "enum" not in one] + [{"type": "string", "enum": values}]


@dataclass(frozen=True, slots=True)
class _Comparison:
    old: _Document
    new: _Document
    under_way: frozenset[tuple[str, str]] = frozenset()

    def nodes(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        """Compare two schemas of one value."""
        references = (str(old.get("$ref")), str(new.get("$ref")))
        if references in self.under_way:
            return
        deeper = self
        if references != ("None", "None"):
            deeper = _Comparison(self.old, self.new, self.under_way | {references})
        yield from deeper._unions(place, self.old.alternatives(old), self.new.alternatives(new))

    def _unions(self, place: str, olds: list[Schema], news: list[Schema]) -> Iterator[str]:
        was_null, is_null = (any(one.get("type") == "null" for one in ones) for ones in (olds, news))
        if olds != [_NULL] and news != [_NULL]:
            if was_null and not is_null:
                yield f"{_at(place)}null no longer allowed: messages in the logs have it"
            if is_null and not was_null:
                yield f"{_at(place)}may now be null: readers count on a value"
            olds = [one for one in olds if one.get("type") != "null"]
            news = [one for one in news if one.get("type") != "null"]
        if len(olds) == len(news) == 1:
            yield from self._values(place, olds[0], news[0])
        else:
            yield from self._choices(place, olds, news)

    def _choices(self, place: str, olds: list[Schema], news: list[Schema]) -> Iterator[str]:
        left = list(news)
        for old in olds:
            same = next((new for new in left if not any(self._values(place, old, new))), None)
            same = same or next((new for new in left if _called(new) == _called(old)), None)
            if same is None:
                yield f"{_at(place)}alternative {_called(old)} removed: messages in the logs have it"
                continue
            left.remove(same)
            yield from self._values(f"{place}<{_called(old)}>", old, same)
        for new in left:
            # Another schema of a union by reference is another type of message, and has a schema of its own.
            if "$ref" not in new:
                yield f"{_at(place)}alternative {_called(new)} added: readers tell alternatives apart by their fields"

    def _values(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        """Compare two schemas without alternatives."""
        if old.get("$ref") != new.get("$ref"):
            yield f"{_at(place)}refers to {new.get('$ref')} instead of {old.get('$ref')}"
        if _types(old) != _types(new):
            yield f"{_at(place)}type changed from {_written(_types(old))} to {_written(_types(new))}"
            return
        yield from _closed_lists(place, old, new)
        yield from _forms(place, old, new)
        yield from _bounds(place, old, new)
        yield from self._objects(place, old, new)
        yield from self._arrays(place, old, new)
        for keyword in sorted((old.keys() | new.keys()) - _COMPARED - _ANNOTATIONS):
            if old.get(keyword, _ABSENT) != new.get(keyword, _ABSENT):
                yield f"{_at(place)}{keyword} changed: it cannot be shown that every reader still reads it"

    def _objects(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = _mapping(old.get("properties")), _mapping(new.get("properties"))
        needed, needs = (set(_sequence(one.get("required"))) for one in (old, new))
        for name in (name for name in before if name not in after):
            yield f"{_at(_join(place, name))}removed: readers count on it, and the logs have it"
        for name in (name for name in after if name not in before):
            if name in needs:
                yield f"{_at(_join(place, name))}new and required: messages in the logs lack it"
            elif old.get("additionalProperties") is False:
                yield f"{_at(_join(place, name))}added to a closed object: readers refuse fields that they do not know"
        for name in (name for name in before if name in after):
            inner, was, now = _join(place, name), _mapping(before[name]), _mapping(after[name])
            if name in needed - needs:
                yield f"{_at(inner)}required before, optional now: readers count on it"
            elif name in needs - needed:
                yield f"{_at(inner)}optional before, required now: messages in the logs may lack it"
            elif name not in needs and was.get("default", _ABSENT) != now.get("default", _ABSENT):
                yield f"{_at(inner)}default changed: a message without it would change its meaning"
            yield from self.nodes(inner, was, now)
        yield from self._other_members(place, old, new)

    def _other_members(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from self._subschemas(_join(place, "*"), "additionalProperties", old, new, absent=True)
        yield from self._subschemas(_join(place, "(names)"), "propertyNames", old, new, absent=True)
        before, after = _mapping(old.get("patternProperties")), _mapping(new.get("patternProperties"))
        if before.keys() != after.keys():
            yield f"{_at(_join(place, '(names)'))}pattern of names changed"
        for pattern in (pattern for pattern in before if pattern in after):
            yield from self.nodes(_join(place, "*"), _mapping(before[pattern]), _mapping(after[pattern]))

    def _arrays(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from self._subschemas(f"{place}[]", "items", old, new, absent=True)
        before, after = _sequence(old.get("prefixItems")), _sequence(new.get("prefixItems"))
        if len(before) != len(after):
            yield f"{_at(place)}number of fixed items changed from {len(before)} to {len(after)}"
        for position, (was, now) in enumerate(zip(before, after, strict=False)):
            yield from self.nodes(f"{place}[{position}]", _mapping(was), _mapping(now))

    def _subschemas(self, place: str, keyword: str, old: Schema, new: Schema, *, absent: bool) -> Iterator[str]:
        was, now = old.get(keyword, absent), new.get(keyword, absent)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from self.nodes(place, was, now)
        elif was != now:
            what = "closed" if now is False else "opened" if was is False else "changed"
            yield f"{_at(place)}{keyword} {what}: readers and writers no longer agree on what may stand here"


def _closed_lists(place: str, old: Schema, new: Schema) -> Iterator[str]:
    was, now = old.get("const", _ABSENT), new.get("const", _ABSENT)
    if was != now:
        yield f"{_at(place)}fixed value changed from {_value(was)} to {_value(now)}"
    if "enum" in old and "enum" in new:
        for value in _sequence(old["enum"]):
            if value not in _sequence(new["enum"]):
                yield f"{_at(place)}value {value!r} removed: messages in the logs have it"
    elif "enum" in new and "const" not in old:
        yield f"{_at(place)}any value before, a closed list now: messages in the logs may have others"
    elif "enum" in old and "const" not in new:
        yield f"{_at(place)}a closed list before, any value now: readers know no value outside the list"


def _forms(place: str, old: Schema, new: Schema) -> Iterator[str]:
    for keyword in _FORMS:
        was, now = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
        if was != now:
            yield f"{_at(place)}{keyword} changed from {_value(was)} to {_value(now)}"


def _bounds(place: str, old: Schema, new: Schema) -> Iterator[str]:
    for keyword in _CEILINGS:
        was, now = _number(old, keyword), _number(new, keyword)
        if now is not None and (was is None or now < was):
            yield f"{_at(place)}{keyword} narrowed from {_value(was)} to {now}: messages in the logs may exceed it"
    for keyword in _FLOORS:
        was, now = _number(old, keyword), _number(new, keyword)
        if was == now:
            continue
        if was is None or (now is not None and now > was):
            yield f"{_at(place)}{keyword} narrowed from {_value(was)} to {now}: messages in the logs may fall short"
        else:
            yield f"{_at(place)}{keyword} loosened from {was} to {_value(now)}: readers count on at least that"


def _called(schema: Schema) -> str:
    name = schema.get("title") or schema.get("$ref") or schema.get("type")
    return str(name)


def _types(schema: Schema) -> frozenset[str]:
    named = schema.get("type")
    return frozenset([named] if isinstance(named, str) else map(str, _sequence(named)))


def _written(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) or "any"


def _value(value: object) -> str:
    return "none" if value is _ABSENT or value is None else repr(value)


def _number(schema: Schema, keyword: str) -> float | None:
    value = schema.get(keyword)
    return value if isinstance(value, int | float) else None


def _at(place: str) -> str:
    return f"{place or '(message)'}: "


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _mapping(value: object) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
