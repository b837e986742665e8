"""The committed AsyncAPI document and schemas as read from their files; what is not known here is an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tsunagu_contracts.publish import ASYNCAPI, EXAMPLES, SCHEMAS


class _Part(BaseModel):
    """A part of either document: whatever stands in it is either shown or left out here by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Schema(_Part):
    """The keywords of JSON Schema 2020-12 that the published schemas use."""

    ref: str | None = Field(None, alias="$ref")
    dialect: str | None = Field(None, alias="$schema")
    urn: str | None = Field(None, alias="$id")
    definitions: dict[str, Schema] = Field({}, alias="$defs")
    title: str | None = None
    description: str | None = None
    type: str | None = None
    const: JsonValue = None
    default: JsonValue = None
    enum: list[JsonValue] = []
    any_of: list[Schema] = Field([], alias="anyOf")
    one_of: list[Schema] = Field([], alias="oneOf")
    properties: dict[str, Schema] = {}
    required: list[str] = []
    additional: bool | Schema | None = Field(None, alias="additionalProperties")
    by_pattern: dict[str, Schema] = Field({}, alias="patternProperties")
    items: Schema | None = None
    pattern: str | None = None
    format: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = Field(None, alias="minLength")
    max_length: int | None = Field(None, alias="maxLength")
    min_items: int | None = Field(None, alias="minItems")
    max_items: int | None = Field(None, alias="maxItems")


class Reference(_Part):
    """A pointer to another part of the document, or to a file beside it."""

    ref: str = Field(alias="$ref")

    @property
    def name(self) -> str:
        """The name of what it leads to."""
        return self.ref.rpartition("/")[2].removesuffix(".json")


class TopicConfiguration(_Part):
    """How Kafka keeps a topic; retention in milliseconds, -1 for ever."""

    cleanup: list[str] = Field(alias="cleanup.policy")
    retention_ms: int = Field(alias="retention.ms")


class TopicBinding(_Part):
    """How a topic is cut and kept."""

    partitions: int
    configuration: TopicConfiguration = Field(alias="topicConfiguration")
    version: str = Field(alias="bindingVersion")


class KeyBinding(_Part):
    """What a message's key is."""

    key: Schema
    version: str = Field(alias="bindingVersion")


class Parameter(_Part):
    """What stands in an address in braces."""

    description: str
    examples: list[str]


class Channel(_Part):
    """One topic, or the topics of one kind that every agency has."""

    address: str
    description: str
    servers: list[Reference]
    messages: dict[str, Reference]
    bindings: dict[Literal["kafka"], TopicBinding]
    aggregates: list[str] = Field(alias="x-aggregates")
    parameters: dict[str, Parameter] = {}


class Operation(_Part):
    """One permission: somebody sends to a channel or receives from it."""

    action: Literal["send", "receive"]
    channel: Reference
    tags: list[dict[Literal["name"], str]]
    security: list[Reference]
    principal: str = Field(alias="x-principal")

    @property
    def application(self) -> str:
        """The service, or `agency`."""
        return self.tags[0]["name"]


class Payload(_Part):
    """A message's value."""

    schema_format: str = Field(alias="schemaFormat")
    place: Reference = Field(alias="schema")


class Message(_Part):
    """One type of message; what an agency signs has a schema of its own beside the envelope's."""

    name: str
    title: str
    summary: str
    description: str | None = None
    content_type: str | None = Field(None, alias="contentType")
    payload: Payload
    bindings: dict[Literal["kafka"], KeyBinding]
    traits: list[Reference]
    manifest: Reference | None = Field(None, alias="x-manifest")


class Trait(_Part):
    """What several messages have in common."""

    headers: Schema


class Components(_Part):
    """What the rest of the document points to."""

    messages: dict[str, Message]
    traits: dict[str, Trait] = Field(alias="messageTraits")
    security: dict[str, dict[str, str]] = Field(alias="securitySchemes")


class Information(_Part):
    """What the document is about."""

    title: str
    version: str
    description: str
    license: dict[str, str]


class Document(_Part):
    """The AsyncAPI document, as far as it is used."""

    asyncapi: str
    info: Information
    content_type: str = Field(alias="defaultContentType")
    servers: dict[str, JsonValue]
    channels: dict[str, Channel]
    operations: dict[str, Operation]
    components: Components

    def applications(self, channel: str, action: Literal["send", "receive"]) -> list[str]:
        """Who may send to the channel, or receive from it."""
        operations = self.operations.values()
        return [each.application for each in operations if (each.channel.name, each.action) == (channel, action)]

    def channels_of(self, message: str) -> Iterator[str]:
        """The channels on which a message may stand."""
        return (name for name, channel in self.channels.items() if message in channel.messages)


class Contracts:
    """Everything published in one folder: the document, the schemas by name and the golden messages by name."""

    def __init__(self, folder: Path) -> None:
        self.document = Document.model_validate_json((folder / ASYNCAPI).read_bytes())
        schemas = sorted((folder / SCHEMAS).glob("*.json"))
        self.schemas = {file.stem: Schema.model_validate_json(file.read_bytes()) for file in schemas}
        self.examples = {file.stem: file.read_bytes() for file in sorted((folder / EXAMPLES).glob("*.json"))}
        self.files = {
            str(file.relative_to(folder)): file.read_bytes()
            for file in [folder / ASYNCAPI, *schemas, *(folder / EXAMPLES).glob("*.json")]
        }
