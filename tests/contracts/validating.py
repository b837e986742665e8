"""The committed schemas as a reader outside Tsunagu would use them: files, and nothing of ours but their names."""

import json
from datetime import datetime
from functools import cache

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012, SchemaRegistry

from tests.contracts.golden.shelf import CONTRACTS
from tsunagu_contracts.encoding import from_base64url
from tsunagu_contracts.publish import SCHEMAS

Json = dict[str, object]
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment_with_offset(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def committed() -> dict[str, Json]:
    """Every committed schema by its name."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((CONTRACTS / SCHEMAS).glob("*.json"))}


def schema(name: str) -> Json:
    """The committed schema of this name."""
    return committed()[name]


def faults(name: str, message: Json) -> list[str]:
    """What the committed schema finds wrong with a message; empty when it fits."""
    return [fault.message for fault in _validator(name).iter_errors(message)]


def manifest_payload(token: str) -> Json:
    """What a manifest's JWS signs."""
    payload = json.loads(from_base64url(token.split(".")[1]))
    assert isinstance(payload, dict)
    return payload


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name), registry=_registry(), format_checker=_FORMATS)


@cache
def _registry() -> SchemaRegistry:
    resources = [DRAFT202012.create_resource(content) for content in committed().values()]
    return Registry().with_resources((str(one.id()), one) for one in resources)
