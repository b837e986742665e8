"""The committed AsyncAPI document: well-formed, whole, and exactly the topics and permissions of the catalogue."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.contracts.golden.shelf import CONTRACTS
from tests.contracts.validating import schema
from tsunagu_contracts.manifests import MANIFESTS
from tsunagu_contracts.publish import ASYNCAPI
from tsunagu_contracts.schemas import INBOUND, OUTBOUND
from tsunagu_contracts.topic_compatibility import breaking_topic_changes
from tsunagu_contracts.topics import (
    AGENCY_TOPIC_PARTITIONS,
    AGENCY_TOPIC_RETENTION_DAYS,
    TOPICS,
    acl_rules,
    agency_inbound,
    agency_outbound,
)

Json = dict[str, object]
PLACE = CONTRACTS / ASYNCAPI
DOCUMENT: Json = json.loads(PLACE.read_bytes())
DAY_MS = 24 * 60 * 60 * 1000


def at(document: Json, *path: str) -> Json:
    """The part of the document at a path."""
    part: object = document
    for step in path:
        assert isinstance(part, dict)
        part = part[step]
    assert isinstance(part, dict)
    return part


def test_the_document_has_the_shape_of_asyncapi_3() -> None:
    """Against our own description of the part of AsyncAPI 3.0 that we use, nothing is amiss."""
    shape = json.loads((Path(__file__).parent / "asyncapi_shape.json").read_bytes())
    Draft202012Validator.check_schema(shape)
    assert [fault.message for fault in Draft202012Validator(shape).iter_errors(DOCUMENT)] == []


def test_every_reference_leads_somewhere() -> None:
    """References inside the document resolve, and files beside it exist and are schemas."""
    references = list(_references(DOCUMENT))
    assert len(references) > 100
    for reference in references:
        if reference.startswith("#/"):
            assert at(DOCUMENT, *reference.removeprefix("#/").split("/"))
        else:
            assert "$schema" in json.loads((PLACE.parent / reference).read_bytes())


def test_channels_are_exactly_the_topics_of_the_catalogue() -> None:
    """Each topic has one channel with its events, partitions and retention; agencies have their two."""
    addresses = {str(at(DOCUMENT, "channels", name)["address"]) for name in at(DOCUMENT, "channels")}
    of_agencies = {agency_outbound("{agency_id}"), agency_inbound("{agency_id}")}
    assert addresses == {topic.name for topic in TOPICS} | of_agencies
    for topic in TOPICS:
        channel = at(DOCUMENT, "channels", topic.name)
        kept = -1 if topic.retention_days is None else topic.retention_days * DAY_MS
        assert set(at(channel, "messages")) == {data.TYPE for data in topic.events}
        assert channel["x-aggregates"] == list(topic.aggregates)
        assert at(channel, "bindings", "kafka")["partitions"] == topic.partitions
        assert at(channel, "bindings", "kafka", "topicConfiguration")["retention.ms"] == kept
    for name in (OUTBOUND, INBOUND):
        kafka = at(DOCUMENT, "channels", name, "bindings", "kafka")
        assert kafka["partitions"] == AGENCY_TOPIC_PARTITIONS
        assert at(kafka, "topicConfiguration")["retention.ms"] == AGENCY_TOPIC_RETENTION_DAYS * DAY_MS
        assert set(at(DOCUMENT, "channels", name, "parameters")) == {"agency_id"}


def test_operations_are_exactly_the_permissions() -> None:
    """Who may send or receive by the document is who may write or read by the ACLs."""
    said = set()
    for name in at(DOCUMENT, "operations"):
        operation = at(DOCUMENT, "operations", name)
        channel = at(DOCUMENT, *str(at(operation, "channel")["$ref"]).removeprefix("#/").split("/"))
        said.add((operation["x-principal"], operation["action"], channel["address"]))
    actions = {"READ": "receive", "WRITE": "send"}
    permitted = {
        (rule.principal, actions[rule.operation], rule.resource_name)
        for rule in acl_rules(["{agency_id}"])
        if rule.resource_type == "TOPIC"
    }
    assert said == permitted


def test_messages_refer_to_the_schema_of_their_type() -> None:
    """An event's payload is its type's schema; an agency's is the envelope, with the schema of what it signs."""
    for name in at(DOCUMENT, "components", "messages"):
        message = at(DOCUMENT, "components", "messages", name)
        payload = Path(str(at(message, "payload", "schema")["$ref"])).stem
        assert payload == (OUTBOUND if name in MANIFESTS else name)
        assert message["title"]
        if name in MANIFESTS:
            assert Path(str(at(message, "x-manifest")["$ref"])).stem == name
        elif name != INBOUND:
            assert message["summary"] == schema(name)["description"]


def test_access_is_by_scram() -> None:
    """Every server and every operation names the one security scheme."""
    assert at(DOCUMENT, "components", "securitySchemes", "scram")["type"] == "scramSha512"
    scram = [{"$ref": "#/components/securitySchemes/scram"}]
    assert at(DOCUMENT, "servers", "network")["security"] == scram
    assert all(at(DOCUMENT, "operations", name)["security"] == scram for name in at(DOCUMENT, "operations"))


def _channel(document: Json, name: str = "referral.events") -> Json:
    return at(document, "channels", name)


def _configuration(document: Json, name: str) -> Json:
    return at(_channel(document, name), "bindings", "kafka", "topicConfiguration")


BREAKING: dict[str, tuple[Callable[[Json], object], str]] = {
    "topic removed": (
        lambda d: at(d, "channels").pop("consent.coverage"),
        "consent.coverage: topic removed",
    ),
    "topic renamed": (
        lambda d: _channel(d).update(address="referrals"),
        "referral.events: address changed from referral.events to referrals",
    ),
    "partitions raised": (
        lambda d: at(_channel(d), "bindings", "kafka").update(partitions=12),
        "referral.events: partitions changed from 6 to 12",
    ),
    "partitions lowered": (
        lambda d: at(_channel(d), "bindings", "kafka").update(partitions=3),
        "referral.events: partitions changed from 6 to 3",
    ),
    "retention shortened": (
        lambda d: _configuration(d, "referral.events").update({"retention.ms": DAY_MS}),
        "referral.events: retention shortened",
    ),
    "kept for ever no longer": (
        lambda d: _configuration(d, "directory.events").update({"retention.ms": 9999 * DAY_MS}),
        "directory.events: retention shortened from -1",
    ),
    "event moved away": (
        lambda d: at(_channel(d), "messages").pop("referral.accepted.v1"),
        "referral.events: message referral.accepted.v1 removed",
    ),
    "aggregate moved away": (
        lambda d: _channel(d).update({"x-aggregates": ["referral"]}),
        "referral.events: aggregate message removed",
    ),
    "another writer": (
        lambda d: at(d, "operations").pop("consent.send.consent.coverage"),
        "consent.send.consent.coverage: no longer permitted",
    ),
}
COMPATIBLE: dict[str, Callable[[Json], object]] = {
    "new topic": lambda d: at(d, "channels").update({"concern.events": _channel(d)}),
    "new event": lambda d: at(_channel(d), "messages").update({"referral.expired.v1": {}}),
    "new aggregate": lambda d: _channel(d).update({"x-aggregates": ["referral", "message", "visit"]}),
    "new reader": lambda d: at(d, "operations").update({"insights.receive.referral.events": {"action": "receive"}}),
    "reader gone": lambda d: at(d, "operations").pop("notify.receive.referral.events"),
    "kept longer": lambda d: _configuration(d, "referral.events").update({"retention.ms": 999 * DAY_MS}),
    "kept for ever": lambda d: _configuration(d, "referral.events").update({"retention.ms": -1}),
    "described better": lambda d: _channel(d).update(description="The life of referrals."),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_of_topics_that_breaks_a_reader_is_named(name: str) -> None:
    """What readers of a topic rely on cannot be taken away unseen."""
    change, words = BREAKING[name]
    document = copy.deepcopy(DOCUMENT)
    change(document)
    found = breaking_topic_changes(DOCUMENT, document)
    assert any(words in line for line in found), found


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_change_of_topics_that_readers_bear_is_let_through(name: str) -> None:
    """More topics, events and readers, and longer retention, break nobody."""
    document = copy.deepcopy(DOCUMENT)
    COMPATIBLE[name](document)
    assert breaking_topic_changes(DOCUMENT, document) == []


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)
