"""`python -m tests.published.extract FHIR_SCHEMA HAPI_JAR DPV_GIT`: cut out what exports are checked against.

README.md says where the three come from. What is cut out is left as it was published, but for descriptions.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET  # what is read is a file whose hash is checked
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = {
    "fhir.schema.json": "6ef48962c271d21fb6715b9c876b3fe96cd099cc733cfc4afefd39d0b6cdd654",
    "hapi.jar": "4d46090e11ac73ff1b7ebb565e6124b55e6d26b10538f3ff69bbfd347a4c7015",
    "dpv": "f01a55c3c0983e35cdfdf80593ece3353faba7b8",
}
"""SHA-256 of the two files, and the commit of w3c/dpv."""

ROOTS = ("Bundle", "CodeSystem", "Consent")
VALUE_SETS = ("consent-state-codes", "consent-provision-type")
CODE_SYSTEMS = {
    "http://terminology.hl7.org/CodeSystem/consentscope",
    "http://terminology.hl7.org/CodeSystem/consentaction",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
}
_FHIR = "{http://hl7.org/fhir}"
_PROFILES = "org/hl7/fhir/r4/model/profile/profiles-resources.xml"
_VALUES = "org/hl7/fhir/r4/model/valueset/"
_DPV = "https://w3id.org/dpv"
_SHORT = {f"{_DPV}#": "dpv:", f"{_DPV}/pd#": "pd:", f"{_DPV}/loc#": "loc:"}


def schema(file: Path) -> dict[str, object]:
    """The definitions of the resources in ROOTS and of whatever they are made of; what is contained may be anything."""
    whole = json.loads(file.read_bytes())
    kept: dict[str, object] = {"ResourceList": {}}
    wanted = list(ROOTS)
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = _bare(whole["definitions"][name])
            wanted += re.findall(r"#/definitions/(\w+)", json.dumps(kept[name]))
    return {"$schema": whole["$schema"], "id": whole["id"], "definitions": dict(sorted(kept.items()))}


def structure(jar: zipfile.ZipFile) -> list[dict[str, object]]:
    """Every element of Consent: how often it may stand there, and what its codes are bound to."""
    (found,) = (
        each
        for each in _resources(jar, _PROFILES, "StructureDefinition")
        if _value(each, "url") == "http://hl7.org/fhir/StructureDefinition/Consent"
    )
    if _value(found, "fhirVersion") != "4.0.1":
        raise ValueError("another version of FHIR")
    return [
        {
            "path": _value(element, "path"),
            "min": int(_value(element, "min")),
            "max": _value(element, "max"),
            "types": [_value(each, "code") for each in element.findall(f"{_FHIR}type")],
            "binding": [
                [_value(each, "strength"), _value(each, "valueSet")] for each in element.findall(f"{_FHIR}binding")
            ],
        }
        for element in found.findall(f"{_FHIR}snapshot/{_FHIR}element")
    ]


def codes(jar: zipfile.ZipFile) -> dict[str, dict[str, str]]:
    """The codes of CODE_SYSTEMS, and of those that VALUE_SETS take whole, each with what it is called."""
    found: dict[str, dict[str, str]] = {}
    for name in ("valuesets.xml", "v3-codesystems.xml"):
        for each in _resources(jar, _VALUES + name, "CodeSystem"):
            url = _value(each, "url")
            if url in CODE_SYSTEMS or url.rpartition("/")[2] in VALUE_SETS:
                found[url] = {
                    _value(concept, "code"): _value(concept, "display") for concept in each.iter(f"{_FHIR}concept")
                }
    return dict(sorted(found.items()))


def vocabulary(repository: Path) -> dict[str, dict[str, list[str]]]:
    """The terms of DPV 2.3 and its personal data, and Japan: what each is, and what is broader."""
    found: dict[str, dict[str, list[str]]] = {}
    for place in csv.DictReader(_shown(repository, "2.3/loc/loc.csv").decode().splitlines()):
        if place["term"] == "JP":
            found["loc:JP"] = {"is": _terms([place["dpvtype"]]), "broader": _terms([place["hasbroader"]]), "range": []}
    for name in ("dpv", "pd"):
        for node in json.loads(_shown(repository, f"2.3/{name}/{name}.jsonld")):
            term = _short(node["@id"])
            if term:
                found[term] = {
                    "is": _terms(node.get("@type", [])),
                    "broader": _terms(_ids(node, "http://www.w3.org/2004/02/skos/core#broader")),
                    "range": _terms(_ids(node, "http://purl.org/dc/dcam/rangeIncludes")),
                }
    return dict(sorted(found.items()))


def _terms(iris: list[str]) -> list[str]:
    names = {"http://www.w3.org/1999/02/22-rdf-syntax-ns#Property": "rdf:Property"}
    return sorted(filter(None, (names.get(iri) or _short(iri) for iri in iris)))


def _short(iri: str) -> str | None:
    for namespace, prefix in _SHORT.items():
        if iri.startswith(namespace) and len(iri) > len(namespace):
            return prefix + iri.removeprefix(namespace)
    return None


def _ids(node: dict[str, list[dict[str, str]]], name: str) -> list[str]:
    return [each["@id"] for each in node.get(name, []) if "@id" in each]


def _shown(repository: Path, path: str) -> bytes:
    command = ["git", "-C", str(repository), "show", f"{SOURCES['dpv']}:{path}"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _bare(definition: object) -> object:
    if isinstance(definition, list):
        return [_bare(each) for each in definition]
    if isinstance(definition, dict):
        # A property of FHIR may be called so too: only texts are left out.
        return {
            name: _bare(each)
            for name, each in definition.items()
            if not (name == "description" and isinstance(each, str))
        }
    return definition


def _resources(jar: zipfile.ZipFile, name: str, kind: str) -> Iterator[ET.Element]:
    with jar.open(name) as file:
        for _, element in ET.iterparse(file):  # noqa: S314 - see above
            if element.tag == f"{_FHIR}resource":
                yield from element.findall(f"{_FHIR}{kind}")
                element.clear()


def _value(element: ET.Element, name: str) -> str:
    found = element.find(f"{_FHIR}{name}")
    return "" if found is None else found.get("value", "")


def _checked(name: str, file: Path) -> Path:
    if hashlib.sha256(file.read_bytes()).hexdigest() != SOURCES[name]:
        raise ValueError(f"{file} is not the file that README.md names")
    return file


def main(schema_file: str, jar_file: str, repository: str) -> None:
    """Write the three files beside this one."""
    with zipfile.ZipFile(_checked("hapi.jar", Path(jar_file))) as jar:
        parts = {
            "fhir-4.0.1.json": {
                "schema": schema(_checked("fhir.schema.json", Path(schema_file))),
                "consent": structure(jar),
                "codes": codes(jar),
            },
            "dpv-2.3.json": vocabulary(Path(repository)),
        }
    for name, part in parts.items():
        lines = json.dumps(part, ensure_ascii=False, separators=(",", ":"))
        (HERE / name).write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
