"""What is wrong with a resource by the definitions of FHIR R4 (4.0.1)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema

Json = Mapping[str, object]

_PUBLISHED = json.loads(Path(__file__).with_name("fhir-4.0.1.json").read_bytes())
SCHEMA = _PUBLISHED["schema"]
ELEMENTS: list[dict[str, object]] = _PUBLISHED["consent"]
CODES: Mapping[str, Mapping[str, str]] = _PUBLISHED["codes"]

_BOUND = {
    "http://hl7.org/fhir/ValueSet/consent-state-codes|4.0.1": "http://hl7.org/fhir/consent-state-codes",
    "http://hl7.org/fhir/ValueSet/consent-provision-type|4.0.1": "http://hl7.org/fhir/consent-provision-type",
}
"""Value sets that take a code system whole."""

_HERE = "Consent"
_CHILDREN: dict[str, list[dict[str, object]]] = defaultdict(list)
for _element in ELEMENTS:
    _CHILDREN[str(_element["path"]).rpartition(".")[0]].append(_element)


def faults(resource: Json) -> list[str]:
    """Everything that the schema, the structure of Consent, its required codes and its rules say against it."""
    kind = resource["resourceType"]
    validator = jsonschema.Draft6Validator({**SCHEMA, "$ref": f"#/definitions/{kind}"})
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(resource)]
    found += [f"unknown code {system}#{code}" for system, code in _codings(resource) if not _is_known(system, code)]
    if kind == _HERE:
        found += _structural(resource, _HERE)
        # ppc-1, and provision.type: "Not permitted in root rule, required in all nested rules."
        if not ("policy" in resource or "policyRule" in resource):
            found.append("ppc-1")
        root = resource.get("provision", {})
        if isinstance(root, dict) and ("type" in root or any("type" not in each for each in root["provision"])):
            found.append("provision.type")
    return found


def _structural(node: Json, path: str) -> Iterator[str]:
    for element in _CHILDREN[path]:
        name = str(element["path"]).rpartition(".")[2]
        values = [value for key, value in node.items() if key == name or _is_choice(name, key)]
        many = [each for value in values for each in (value if isinstance(value, list) else [value])]
        if len(many) < int(str(element["min"])) or (element["max"] == "1" and len(many) > 1):
            yield f"{element['path']}: {len(many)} times"
        for strength, value_set in element["binding"]:  # type: ignore[attr-defined]  # pairs, as extract.py writes them
            if strength == "required":
                yield from (f"{element['path']}: {each}" for each in many if each not in CODES[_BOUND[value_set]])
        # A nested provision is made like the outer one.
        inner = "Consent.provision" if element["path"] == "Consent.provision.provision" else str(element["path"])
        for each in many:
            if isinstance(each, dict):
                yield from _structural(each, inner)


def _is_choice(name: str, key: str) -> bool:
    return name.endswith("[x]") and key.startswith(name.removesuffix("[x]"))


def _codings(node: object) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for each in node:
            yield from _codings(each)
    if isinstance(node, dict):
        if "system" in node and "code" in node:
            yield node["system"], node["code"]
        for each in node.values():
            yield from _codings(each)


def _is_known(system: str, code: str) -> bool:
    return system.startswith("urn:tsunagu:codes:") or code in CODES.get(system, ())
