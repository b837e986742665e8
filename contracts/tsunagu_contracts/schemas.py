"""The JSON Schema of everything that crosses a border, made from the classes and the topic catalogue alone."""

import json
from collections.abc import Mapping

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from tsunagu_contracts.assertions import Assertion
from tsunagu_contracts.cards import IssuedCard, ShownCard
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events import EVENTS
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.evidence import EvidenceShare, OpenedShare
from tsunagu_contracts.handles import HandleCertificate
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.manifests import MANIFESTS
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.receipts import ReceiptCode
from tsunagu_contracts.sealing import Capsule, PersonReference, ReleasedKey
from tsunagu_contracts.topics import REFERRAL_EVENTS, topic_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"

OUTBOUND = "agency.outbound"
"""Name of the schema of what agencies write: a manifest as JWS, and bodies as JWE."""

INBOUND = "agency.inbound"
"""Name of the schema of what agencies read: an event, and bodies as JWE."""

TOKENS: Mapping[str, type[BaseModel]] = {
    "token.assertion": Assertion,
    "token.capsule": Capsule,
    "token.evidence_share": EvidenceShare,
    "token.handle": HandleCertificate,
    "token.issued_card": IssuedCard,
    "token.opened_share": OpenedShare,
    "token.person_ref": PersonReference,
    "token.receipt_code": ReceiptCode,
    "token.released_key": ReleasedKey,
    "token.shown_card": ShownCard,
}
"""What stands inside the JWS and JWE tokens other than manifests and bodies, by the name of its schema."""


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without titles that repeat a field's name, and with names of members closed."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """A field is called what it is called."""
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A mapping whose names have a pattern has no other names."""
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made


def published_schemas() -> dict[str, JsonSchemaValue]:
    """Every schema by its name: an event's or a manifest's type, an envelope of agencies, or a token."""
    schemas = {name: _event_schema(data) for name, data in EVENTS.items()}
    schemas |= {name: _model_schema(manifest) for name, manifest in MANIFESTS.items()}
    schemas |= {name: _model_schema(token) for name, token in TOKENS.items()}
    schemas[OUTBOUND] = TypeAdapter(AgencyMessage).json_schema(schema_generator=_Generator)
    schemas[INBOUND] = _inbound_schema()
    return {name: _headed(name, schemas[name]) for name in sorted(schemas)}


def schema_urn(name: str) -> str:
    """The `$id` of a schema: a name, not a place to load it from."""
    return f"urn:tsunagu:schema:{name}"


def write_json(value: Mapping[str, object]) -> bytes:
    """The one spelling in which generated documents are committed: UTF-8, two spaces, order as given."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"


def _model_schema(model: type[BaseModel]) -> JsonSchemaValue:
    return model.model_json_schema(mode="validation", schema_generator=_Generator)


def _event_schema(data: type[EventData]) -> JsonSchemaValue:
    """The envelope with its type, source and data made definite, under the title and words of the data."""
    _, made = models_json_schema([(Event, "validation"), (data, "validation")], schema_generator=_Generator)
    definitions: dict[str, JsonSchemaValue] = dict(made["$defs"])
    envelope, content = definitions.pop(Event.__name__), definitions.pop(data.__name__)
    definitions.pop(EventData.__name__)
    definite = {
        "source": {"const": f"tsunagu/{topic_of(data).producer}", "type": "string"},
        "type": {"const": data.TYPE, "type": "string"},
        "data": {name: value for name, value in content.items() if name not in ("title", "description")},
    }
    return {
        **({"$defs": definitions} if definitions else {}),
        **envelope,
        "title": content["title"],
        "description": content["description"],
        "properties": envelope["properties"] | definite,
    }


def _inbound_schema() -> JsonSchemaValue:
    """The envelope of what agencies read; the events in it are those of `referral`, each by its own schema."""
    made = TypeAdapter(InboundMessage).json_schema(schema_generator=_Generator)
    event = {"oneOf": [{"$ref": schema_urn(data.TYPE)} for data in REFERRAL_EVENTS.events]}
    del made["$defs"]
    return made | {"properties": made["properties"] | {"event": event}}


def _headed(name: str, schema: JsonSchemaValue) -> JsonSchemaValue:
    """What the schema is comes first, its definitions last."""
    head = {"$schema": DIALECT, "$id": schema_urn(name), "title": schema["title"], "description": schema["description"]}
    rest = {keyword: value for keyword, value in schema.items() if keyword not in ("$defs", *head)}
    return head | rest | ({"$defs": schema["$defs"]} if "$defs" in schema else {})
