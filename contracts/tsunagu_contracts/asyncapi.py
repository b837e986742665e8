"""The AsyncAPI 3 document of every topic: channels from the catalogue, operations from the permissions."""

import inspect
from collections.abc import Iterable

from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.manifests import MANIFESTS, AnyManifest
from tsunagu_contracts.schemas import INBOUND, OUTBOUND
from tsunagu_contracts.topics import (
    AGENCY_TOPIC_PARTITIONS,
    AGENCY_TOPIC_RETENTION_DAYS,
    TOPICS,
    AclRule,
    Topic,
    acl_rules,
    agency_inbound,
    agency_outbound,
)

Document = dict[str, object]
"""A JSON object of the AsyncAPI document."""

ANY_AGENCY = "{agency_id}"
"""Stands for an agency's id in addresses and user names."""

_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_BINDING = "0.5.0"
_DAY_MS = 24 * 60 * 60 * 1000
_SECURITY = "scram"
_CHANNEL_OF_ADDRESS = {agency_outbound(ANY_AGENCY): OUTBOUND, agency_inbound(ANY_AGENCY): INBOUND}


def asyncapi_document() -> Document:
    """Everything about topics that somebody must know who reads or writes them."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tsunagu (つなぐ)",
            "version": "1",
            "description": inspect.cleandoc(
                """
                Events of the services and messages of agencies. Every value on a topic of a service is a
                CloudEvent in structured JSON; its key is the id of its aggregate, so that one aggregate's
                events stay in order. Readers ignore fields that they do not know. What nobody is named for
                here is denied.
                """
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"network": _server()},
        "channels": {topic.name: _service_channel(topic) for topic in TOPICS}
        | {
            OUTBOUND: _agency_channel(
                agency_outbound(ANY_AGENCY), "What one agency tells the network.", tuple(MANIFESTS)
            ),
            INBOUND: _agency_channel(
                agency_inbound(ANY_AGENCY), "What the network tells one agency of its referrals.", (INBOUND,)
            ),
        },
        "operations": dict(_operations(acl_rules([ANY_AGENCY]))),
        "components": {
            "messages": {data.TYPE: _event_message(data) for topic in TOPICS for data in topic.events}
            | {name: _agency_message(manifest) for name, manifest in MANIFESTS.items()}
            | {INBOUND: _inbound_message()},
            "messageTraits": {"traced": _traced()},
            "securitySchemes": {
                _SECURITY: {
                    "type": "scramSha512",
                    "description": "One user for each service and each agency; an agency's is agency.<agency_id>.",
                }
            },
        },
    }


def _server() -> Document:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "description": "The network's Kafka. The development runner listens on loopback only, and without TLS.",
        "variables": {"bootstrap": {"description": "Bootstrap address, host:port.", "examples": ["127.0.0.1:9092"]}},
        "security": [_reference("components", "securitySchemes", _SECURITY)],
    }


def _service_channel(topic: Topic) -> Document:
    return {
        "address": topic.name,
        "description": f"What {topic.producer} says. Key: the id of the {' or '.join(topic.aggregates)}.",
        "servers": [_reference("servers", "network")],
        "messages": {data.TYPE: _reference("components", "messages", data.TYPE) for data in topic.events},
        "bindings": _topic_binding(topic.partitions, topic.retention_days),
        "x-aggregates": list(topic.aggregates),
    }


def _agency_channel(address: str, description: str, messages: Iterable[str]) -> Document:
    return {
        "address": address,
        "description": f"{description} Key: the id of the referral.",
        "servers": [_reference("servers", "network")],
        "parameters": {"agency_id": {"description": "The agency's id.", "examples": ["chiyoda-clinic-a"]}},
        "messages": {name: _reference("components", "messages", name) for name in messages},
        "bindings": _topic_binding(AGENCY_TOPIC_PARTITIONS, AGENCY_TOPIC_RETENTION_DAYS),
        "x-aggregates": ["referral"],
    }


def _topic_binding(partitions: int, retention_days: int | None) -> Document:
    retention = -1 if retention_days is None else retention_days * _DAY_MS
    configuration = {"cleanup.policy": ["delete"], "retention.ms": retention}
    return {"kafka": {"partitions": partitions, "topicConfiguration": configuration, "bindingVersion": _BINDING}}


def _operations(rules: list[AclRule]) -> Iterable[tuple[str, Document]]:
    """One operation for each permission on a topic, so that the document and the ACLs cannot differ."""
    for rule in rules:
        if rule.resource_type != "TOPIC" or rule.operation not in ("READ", "WRITE"):
            continue
        channel = _CHANNEL_OF_ADDRESS.get(rule.resource_name, rule.resource_name)
        application = "agency" if ANY_AGENCY in rule.principal else rule.principal
        action = "send" if rule.operation == "WRITE" else "receive"
        yield (
            f"{application}.{action}.{channel}",
            {
                "action": action,
                "channel": _reference("channels", channel),
                "tags": [{"name": application}],
                "security": [_reference("components", "securitySchemes", _SECURITY)],
                "x-principal": rule.principal,
            },
        )


def _event_message(data: type[EventData]) -> Document:
    return {
        "name": data.TYPE,
        "title": data.__name__,
        "summary": inspect.getdoc(data),
        "contentType": "application/cloudevents+json",
        "payload": _payload(data.TYPE),
        "bindings": _key_binding("The id of the event's aggregate: what follows the colon."),
        "traits": [_reference("components", "messageTraits", "traced")],
    }


def _agency_message(manifest: type[AnyManifest]) -> Document:
    return {
        "name": manifest.TYPE,
        "title": manifest.__name__,
        "summary": inspect.getdoc(manifest),
        "description": "`manifest` is a compact JWS (ES256); x-manifest is the schema of what it signs.",
        "payload": _payload(OUTBOUND),
        "bindings": _key_binding("The id of the referral."),
        "traits": [_reference("components", "messageTraits", "traced")],
        "x-manifest": {"$ref": _place(manifest.TYPE)},
    }


def _inbound_message() -> Document:
    return {
        "name": INBOUND,
        "title": "InboundMessage",
        "summary": "An event of a referral; with its delivery come the sealed bodies.",
        "payload": _payload(INBOUND),
        "bindings": _key_binding("The id of the referral; of a refused message that names none, the message's."),
        "traits": [_reference("components", "messageTraits", "traced")],
    }


def _traced() -> Document:
    pattern = "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
    traceparent = {"type": "string", "pattern": pattern, "description": "W3C Trace Context; may be missing."}
    return {"headers": {"type": "object", "properties": {"traceparent": traceparent}}}


def _key_binding(description: str) -> Document:
    key = {"type": "string", "description": description}
    return {"kafka": {"key": key, "bindingVersion": _BINDING}}


def _payload(name: str) -> Document:
    return {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": _place(name)}}


def _place(name: str) -> str:
    """Where the schema stands, seen from the document."""
    return f"../schemas/{name}.json"


def _reference(*path: str) -> dict[str, str]:
    """A reference inside the document (RFC 6901)."""
    return {"$ref": "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)}
