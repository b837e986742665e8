"""A table of changes to a contract: which ones break a reader, and in what words that is said."""

import copy
import json
from collections.abc import Callable, Iterator

import pytest

from tsunagu_contracts.compatibility import breaking_changes
from tsunagu_contracts.schemas import published_schemas

Json = dict[str, object]

PUBLISHED: dict[str, Json] = published_schemas()
MESSAGE = """
{
  "properties": {
    "specversion": {"const": "1.0", "default": "1.0", "type": "string"},
    "type": {"const": "referral.example.v1", "type": "string"},
    "data": {"$ref": "#/$defs/Data"}
  },
  "required": ["type", "data"],
  "type": "object",
  "$defs": {
    "Category": {"enum": ["identity", "contact", "health"], "title": "Category", "type": "string"},
    "Reason": {"enum": ["granted", "no_statement"], "title": "Reason", "type": "string"},
    "Refusal": {"enum": ["not_permitted"], "title": "Refusal", "type": "string"},
    "ToAgency": {
      "additionalProperties": false, "title": "ToAgency", "type": "object",
      "properties": {"agency": {"type": "string"}}, "required": ["agency"]
    },
    "ToService": {
      "additionalProperties": false, "title": "ToService", "type": "object",
      "properties": {"area": {"type": "string"}}, "required": ["area"]
    },
    "Section": {
      "type": "object", "title": "Section",
      "properties": {"id": {"type": "string"}, "category": {"$ref": "#/$defs/Category"}},
      "required": ["id", "category"]
    },
    "Data": {
      "type": "object",
      "properties": {
        "referral_id": {"pattern": "^[a-z0-9-]{1,64}$", "type": "string"},
        "decided_at": {"format": "date-time", "type": "string"},
        "valid_until": {"anyOf": [{"format": "date-time", "type": "string"}, {"type": "null"}], "default": null},
        "note": {"default": "none", "maxLength": 40, "minLength": 1, "type": "string"},
        "rows": {"maximum": 500, "minimum": 0, "type": "integer"},
        "sections": {"items": {"$ref": "#/$defs/Section"}, "maxItems": 48, "minItems": 1, "type": "array"},
        "to": {"anyOf": [{"$ref": "#/$defs/ToAgency"}, {"$ref": "#/$defs/ToService"}]},
        "reason": {"anyOf": [{"$ref": "#/$defs/Reason"}, {"$ref": "#/$defs/Refusal"}]},
        "parameters": {
          "additionalProperties": false, "type": "object",
          "patternProperties": {"^[a-z]+$": {"maxLength": 64, "type": "string"}}
        },
        "key": {"additionalProperties": {"type": "string"}, "type": "object"},
        "pair": {"prefixItems": [{"type": "string"}, {"type": "integer"}], "type": "array"},
        "event": {"oneOf": [{"$ref": "urn:one.v1"}, {"$ref": "urn:two.v1"}]}
      },
      "required": [
        "referral_id", "decided_at", "rows", "sections", "to", "reason", "parameters", "key", "pair", "event"
      ]
    }
  }
}
"""

Change = Callable[[Json], object]


def at(schema: Json, *path: str) -> Json:
    """The part of a schema at a path."""
    part: object = schema
    for step in path:
        assert isinstance(part, dict)
        part = part[step]
    assert isinstance(part, dict)
    return part


def definition(schema: Json, name: str) -> Json:
    """A definition of the schema."""
    return at(schema, "$defs", name)


def field(schema: Json, name: str) -> Json:
    """A field of the data."""
    return at(schema, "$defs", "Data", "properties", name)


def put(schema: Json, name: str, **keywords: object) -> None:
    """Set keywords of a field of the data."""
    field(schema, name).update(keywords)


def values(schema: Json, where: str) -> list[object]:
    """A closed list of the schema."""
    found = definition(schema, where)["enum"]
    assert isinstance(found, list)
    return found


def needed(schema: Json) -> list[object]:
    """The required fields of the data."""
    found = definition(schema, "Data")["required"]
    assert isinstance(found, list)
    return found


def items(schema: Json, name: str, keyword: str) -> list[object]:
    """A list of schemas of a field."""
    found = field(schema, name)[keyword]
    assert isinstance(found, list)
    return found


def fields(schema: Json) -> Json:
    """The fields of the data."""
    return at(schema, "$defs", "Data", "properties")


def require(schema: Json, name: str, content: Json) -> None:
    """Add a field to the data that must be there."""
    fields(schema)[name] = content
    needed(schema).append(name)


def forget(schema: Json, name: str) -> None:
    """Take a field that must be there out of the data."""
    del fields(schema)[name]
    needed(schema).remove(name)


BREAKING: dict[str, tuple[Change, str]] = {
    "optional field removed": (lambda s: fields(s).pop("note"), "data.note: removed"),
    "required field removed": (lambda s: forget(s, "rows"), "data.rows: removed"),
    "field renamed": (lambda s: fields(s).update(lines=fields(s).pop("rows")), "data.rows: removed"),
    "new required field": (
        lambda s: require(s, "urgency", {"type": "string"}),
        "data.urgency: new and required",
    ),
    "optional field made required": (
        lambda s: needed(s).append("note"),
        "data.note: optional before, required now",
    ),
    "required field made optional": (
        lambda s: needed(s).remove("rows"),
        "data.rows: required before, optional now",
    ),
    "envelope field removed": (lambda s: at(s, "properties").pop("specversion"), "specversion: removed"),
    "nested field removed": (
        lambda s: at(definition(s, "Section"), "properties").pop("category"),
        "data.sections[].category: removed",
    ),
    "type changed": (lambda s: put(s, "rows", type="string"), "data.rows: type changed from integer to string"),
    "type widened": (
        lambda s: put(s, "rows", type=["integer", "string"]),
        "data.rows: type changed from integer to integer or string",
    ),
    "format changed": (lambda s: put(s, "decided_at", format="date"), "data.decided_at: format changed"),
    "format dropped": (lambda s: field(s, "decided_at").pop("format"), "data.decided_at: format changed"),
    "format added": (lambda s: put(s, "referral_id", format="uuid"), "data.referral_id: format changed"),
    "format inside a nullable field changed": (
        lambda s: put(s, "valid_until", anyOf=[{"format": "date", "type": "string"}, {"type": "null"}]),
        "data.valid_until: format changed",
    ),
    "pattern narrowed": (
        lambda s: put(s, "referral_id", pattern="^[a-z0-9-]{1,36}$"),
        "data.referral_id: pattern changed",
    ),
    "pattern added": (lambda s: put(s, "note", pattern="^[a-z]+$"), "data.note: pattern changed"),
    "pattern dropped": (lambda s: field(s, "referral_id").pop("pattern"), "data.referral_id: pattern changed"),
    "value removed from a closed list": (
        lambda s: values(s, "Category").remove("health"),
        "data.sections[].category: value 'health' removed",
    ),
    "value renamed in a closed list": (
        lambda s: values(s, "Category").__setitem__(0, "who"),
        "value 'identity' removed",
    ),
    "value removed from one of two lists": (
        lambda s: values(s, "Refusal").__setitem__(0, "not_allowed"),
        "data.reason: value 'not_permitted' removed",
    ),
    "closed list opened": (lambda s: definition(s, "Category").pop("enum"), "a closed list before, any value now"),
    "free value closed": (lambda s: put(s, "note", enum=["none"]), "data.note: any value before, a closed list now"),
    "fixed value changed": (
        lambda s: at(s, "properties", "specversion").update(const="2.0", default="2.0"),
        "specversion: fixed value changed from '1.0' to '2.0'",
    ),
    "type name changed": (
        lambda s: at(s, "properties", "type").update(const="referral.other.v1"),
        "type: fixed value changed from 'referral.example.v1' to 'referral.other.v1'",
    ),
    "fixed value freed": (lambda s: at(s, "properties", "type").pop("const"), "type: fixed value changed"),
    "value fixed": (lambda s: put(s, "note", const="none"), "data.note: fixed value changed from none to 'none'"),
    "longest text shortened": (lambda s: put(s, "note", maxLength=20), "data.note: maxLength narrowed from 40 to 20"),
    "longest text set": (lambda s: put(s, "referral_id", maxLength=9), "data.referral_id: maxLength narrowed"),
    "shortest text lengthened": (lambda s: put(s, "note", minLength=2), "data.note: minLength narrowed from 1 to 2"),
    "empty text allowed": (lambda s: put(s, "note", minLength=0), "data.note: minLength loosened from 1 to 0"),
    "shortest text dropped": (lambda s: field(s, "note").pop("minLength"), "data.note: minLength loosened"),
    "greatest number lowered": (lambda s: put(s, "rows", maximum=100), "data.rows: maximum narrowed from 500 to 100"),
    "least number raised": (lambda s: put(s, "rows", minimum=1), "data.rows: minimum narrowed from 0 to 1"),
    "negative numbers allowed": (lambda s: put(s, "rows", minimum=-1), "data.rows: minimum loosened from 0 to -1"),
    "fewer items allowed": (lambda s: put(s, "sections", maxItems=9), "data.sections: maxItems narrowed"),
    "more items needed": (lambda s: put(s, "sections", minItems=2), "data.sections: minItems narrowed"),
    "empty list allowed": (lambda s: put(s, "sections", minItems=0), "data.sections: minItems loosened"),
    "items must differ": (lambda s: put(s, "sections", uniqueItems=True), "data.sections: uniqueItems changed"),
    "kind of items changed": (
        lambda s: put(s, "sections", items={"type": "string"}),
        "data.sections[]: type changed from object to string",
    ),
    "null allowed": (
        lambda s: put(s, "to", anyOf=[*items(s, "to", "anyOf"), {"type": "null"}]),
        "data.to: may now be null",
    ),
    "null no longer allowed": (
        lambda s: fields(s).update(valid_until={"format": "date-time", "type": "string"}),
        "data.valid_until: null no longer allowed",
    ),
    "null alone instead of a value": (lambda s: put(s, "rows", type="null"), "data.rows: "),
    "default changed": (lambda s: put(s, "note", default="empty"), "data.note: default changed"),
    "default dropped": (lambda s: field(s, "note").pop("default"), "data.note: default changed"),
    "alternative removed": (
        lambda s: put(s, "to", anyOf=items(s, "to", "anyOf")[:1]),
        "data.to: alternative ToService removed",
    ),
    "alternative added": (
        lambda s: put(s, "to", anyOf=[*items(s, "to", "anyOf"), {"type": "string"}]),
        "data.to: alternative string added",
    ),
    "alternative changed": (
        lambda s: at(definition(s, "ToService"), "properties").update(area={"type": "integer"}),
        "data.to<ToService>.area: type changed from string to integer",
    ),
    "field added to a closed object": (
        lambda s: at(definition(s, "ToAgency"), "properties").update(desk={"type": "string"}),
        "data.to<ToAgency>.desk: added to a closed object",
    ),
    "object closed": (
        lambda s: definition(s, "Section").update(additionalProperties=False),
        "data.sections[].*: additionalProperties closed",
    ),
    "object opened": (
        lambda s: definition(s, "ToAgency").pop("additionalProperties"),
        "data.to<ToAgency>.*: additionalProperties opened",
    ),
    "names of members narrowed": (
        lambda s: put(s, "parameters", patternProperties={"^[a-c]+$": {"maxLength": 64, "type": "string"}}),
        "data.parameters.(names): pattern of names changed",
    ),
    "members narrowed": (
        lambda s: put(s, "parameters", patternProperties={"^[a-z]+$": {"maxLength": 8, "type": "string"}}),
        "data.parameters.*: maxLength narrowed",
    ),
    "type of members changed": (
        lambda s: put(s, "key", additionalProperties={"type": "integer"}),
        "data.key.*: type changed from string to integer",
    ),
    "names of members restricted": (
        lambda s: put(s, "key", propertyNames={"pattern": "^k"}),
        "data.key.(names): propertyNames changed",
    ),
    "place in a pair changed": (
        lambda s: put(s, "pair", prefixItems=items(s, "pair", "prefixItems")[::-1]),
        "data.pair[0]: type changed from string to integer",
    ),
    "place in a pair removed": (
        lambda s: put(s, "pair", prefixItems=items(s, "pair", "prefixItems")[:1]),
        "data.pair: number of fixed items changed from 2 to 1",
    ),
    "type of message taken out of a union": (
        lambda s: put(s, "event", oneOf=items(s, "event", "oneOf")[:1]),
        "data.event: alternative urn:two.v1 removed",
    ),
    "reference to another schema": (
        lambda s: put(s, "event", oneOf=[{"$ref": "urn:three.v1"}]),
        "data.event: alternative urn:one.v1 removed",
    ),
    "keyword that nobody compares": (
        lambda s: put(s, "rows", multipleOf=10),
        "data.rows: multipleOf changed: it cannot be shown",
    ),
}

COMPATIBLE: dict[str, Change] = {
    "nothing": lambda s: None,
    "new optional field": lambda s: fields(s).update(language={"default": None, "type": ["string", "null"]}),
    "new optional field of a section": lambda s: at(definition(s, "Section"), "properties").update(
        size={"default": 0, "type": "integer"}
    ),
    "new optional field of the envelope": lambda s: at(s, "properties").update(traceparent={"type": "string"}),
    "value added to a closed list": lambda s: values(s, "Category").append("housing"),
    "values put in another order": lambda s: values(s, "Category").reverse(),
    "value added to one of two lists": lambda s: values(s, "Refusal").append("oversize"),
    "value moved between two lists": lambda s: values(s, "Refusal").append(values(s, "Reason").pop()),
    "longest text lengthened": lambda s: put(s, "note", maxLength=400),
    "longest text dropped": lambda s: field(s, "note").pop("maxLength"),
    "greatest number raised": lambda s: put(s, "rows", maximum=1000),
    "more items allowed": lambda s: put(s, "sections", maxItems=96),
    "further type of message": lambda s: items(s, "event", "oneOf").append({"$ref": "urn:three.v1"}),
    "fields put in another order": lambda s: at(s, "$defs", "Data").update(
        properties=dict(reversed(list(fields(s).items())))
    ),
    "described better": lambda s: put(s, "rows", description="How many.", title="Rows"),
    "definition renamed": lambda s: (
        at(s, "$defs").update(Kind=definition(s, "Category")),
        at(definition(s, "Section"), "properties").update(category={"$ref": "#/$defs/Kind"}),
    ),
    "definition written out": lambda s: at(s, "properties").update(data=definition(s, "Data")),
}


def changed(change: Change) -> Json:
    """The message's schema after a change."""
    schema: Json = json.loads(MESSAGE)
    change(schema)
    return schema


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_a_reader_is_named_with_its_place(name: str) -> None:
    """Each change of the table is found, and said where it is and what it does to whom."""
    change, words = BREAKING[name]
    found = breaking_changes(json.loads(MESSAGE), changed(change))
    assert any(words in line for line in found), found


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_change_that_readers_bear_is_let_through(name: str) -> None:
    """A reader of yesterday ignores or sets aside what it does not know, and yesterday's messages still fit."""
    assert breaking_changes(json.loads(MESSAGE), changed(COMPATIBLE[name])) == []


def test_a_schema_that_refers_to_itself_is_compared_once_around() -> None:
    """A tree of nodes does not send the comparison round for ever, and a change within is found."""
    node: Json = {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}},
            }
        },
    }
    other = copy.deepcopy(node)
    at(other, "$defs", "Node", "properties")["name"] = {"type": "integer"}
    assert breaking_changes(node, node) == []
    assert breaking_changes(node, other) == ["name: type changed from string to integer"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_published_field_can_be_taken_away_unseen(name: str) -> None:
    """In every published schema, each field that is removed, loosened or retyped at any depth is found."""
    schema = PUBLISHED[name]
    assert breaking_changes(schema, schema) == []
    count = 0
    for broken in _each_field_broken(schema):
        count += 1
        assert breaking_changes(schema, broken), json.dumps(broken)[:2000]
    assert count >= 2


def _each_field_broken(schema: Json) -> Iterator[Json]:
    """The schema once for each way in which each of its fields can be broken."""
    for path in _objects(schema, ()):
        for name in list(at(schema, *path, "properties")):
            removed = copy.deepcopy(schema)
            del at(removed, *path, "properties")[name]
            yield removed
            retyped = copy.deepcopy(schema)
            at(retyped, *path, "properties")[name] = {"type": "boolean"}
            yield retyped
        for required in _required(schema, path):
            loosened = copy.deepcopy(schema)
            _required(loosened, path).remove(required)
            yield loosened


def _objects(part: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(part, dict):
        if "properties" in part:
            yield path
        for name, inner in part.items():
            yield from _objects(inner, (*path, name))


def _required(schema: Json, path: tuple[str, ...]) -> list[object]:
    found = at(schema, *path).get("required", [])
    assert isinstance(found, list)
    return found
