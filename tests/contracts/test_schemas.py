"""The committed JSON Schemas: valid, named, described, one for everything that crosses a border."""

import re

import pytest
from jsonschema import Draft202012Validator

from tests.contracts.validating import committed, schema
from tsunagu_contracts.events import EVENTS
from tsunagu_contracts.manifests import MANIFESTS
from tsunagu_contracts.schemas import DIALECT, INBOUND, OUTBOUND, TOKENS, published_schemas, write_json
from tsunagu_contracts.topics import topic_of

Json = dict[str, object]
NAMES = sorted(committed())


def test_everything_that_crosses_a_border_has_a_schema() -> None:
    """Every event, manifest and token, and both envelopes of agencies; nothing else."""
    assert set(NAMES) == {*EVENTS, *MANIFESTS, *TOKENS, INBOUND, OUTBOUND}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_named_and_described(name: str) -> None:
    """Each is a 2020-12 schema whose `$id` is a urn of its name, with the words of its class."""
    found = schema(name)
    Draft202012Validator.check_schema(found)
    assert found["$schema"] == DIALECT
    assert found["$id"] == f"urn:tsunagu:schema:{name}"
    assert list(found)[:4] == ["$schema", "$id", "title", "description"]
    assert str(found["description"]).endswith(".")


@pytest.mark.parametrize("name", EVENTS)
def test_the_schema_of_an_event_is_definite_about_who_says_what(name: str) -> None:
    """Type and source are fixed, and everything in the data is described down to its codes."""
    properties = schema(name)["properties"]
    assert isinstance(properties, dict)
    assert properties["type"] == {"const": name, "type": "string"}
    assert properties["source"]["const"] == f"tsunagu/{topic_of(EVENTS[name]).producer}"
    assert set(properties["data"]["properties"]) == set(EVENTS[name].model_fields)


@pytest.mark.parametrize("name", NAMES)
def test_readers_of_a_schema_need_nothing_of_python(name: str) -> None:
    """No text in a schema names a module, a class path or a place on a machine."""
    text = write_json(schema(name)).decode()
    assert not re.search(r"tsunagu_contracts|pydantic|/home/|\.py\b", text)


def test_schemas_are_the_same_each_time_they_are_made() -> None:
    """The order of everything is stable, so that a difference is a change."""
    first, second = ({name: write_json(one) for name, one in published_schemas().items()} for _ in range(2))
    assert first == second
    assert list(first) == sorted(first)
