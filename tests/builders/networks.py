"""A small network in files: a clinic and the standing desk of one area, to be changed by tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.demo.keys import make_keys, public_keys_file
from services.directory.domain.network import Network
from services.directory.network_files import read_network

CLINIC, DESK = "clinic-a", "desk-a"
CLINIC_ORGANIZATION = "0b7c1a52-6a0e-4c0c-9a51-5d1a8a4f0a01"
DESK_ORGANIZATION = "0b7c1a52-6a0e-4c0c-9a51-5d1a8a4f0a02"
SERVICE = "0b7c1a52-6a0e-4c0c-9a51-5d1a8a4f0b01"
LOCATION = "0b7c1a52-6a0e-4c0c-9a51-5d1a8a4f0c01"
AT_LOCATION = "0b7c1a52-6a0e-4c0c-9a51-5d1a8a4f0d01"
AREA = "chiyoda.manseibashi"

Files = dict[str, list[dict[str, Any]]]
"""Entries by the name of their file; tests change them at will, right or wrong."""


def small_files() -> Files:
    """Make the files' content anew."""
    return {
        "areas.json": [
            {"code": AREA, "ward": {"ja": "千代田区", "en": "Chiyoda"}, "name": {"ja": "万世橋", "en": "Manseibashi"}}
        ],
        "organizations.json": [
            _organization(CLINIC_ORGANIZATION, CLINIC, "clinic", desk=False),
            _organization(DESK_ORGANIZATION, DESK, "area_desk", desk=True),
        ],
        "services.json": [
            {
                "id": SERVICE,
                "organization_id": DESK_ORGANIZATION,
                "name": "なんでも相談",
                "status": "active",
                "service_areas": [{"uri": f"urn:tsunagu:area:{AREA}"}],
                "attributes": [_attribute("tsunagu-service-family", "general_consultation")],
            }
        ],
        "locations.json": [
            {"id": LOCATION, "organization_id": DESK_ORGANIZATION, "location_type": "physical", "name": "窓口"}
        ],
        "service_at_location.json": [{"id": AT_LOCATION, "service_id": SERVICE, "location_id": LOCATION}],
        "coordinators.json": [_person("c-1", "試験 花子"), _person("c-2", "試験 太郎")],
        "appointments.json": [appointment("ap-1", "c-1", CLINIC), appointment("ap-2", "c-2", DESK)],
        "auditors.json": [
            {"auditor_id": "au-1", "name": "監査 一", "kana": "かんさ はじめ", "romanised": "KANSA Hajime"}
        ],
        "mandates.json": [
            {
                "mandate_id": "ma-1",
                "auditor_id": "au-1",
                "agencies": [DESK],
                "areas": [AREA],
                "valid_from": "2026-04-01T00:00:00+09:00",
                "valid_until": "2027-04-01T00:00:00+09:00",
                "reason": "yearly_review",
                "granted_by": "operator:op-1",
            }
        ],
    }


def appointment(appointment_id: str, coordinator_id: str, agency_id: str, **other: object) -> dict[str, Any]:
    """Make an entry of appointments.json."""
    return {
        "appointment_id": appointment_id,
        "coordinator_id": coordinator_id,
        "agency_id": agency_id,
        "role": "csw",
        "field": "community",
        "areas": [AREA],
        "valid_from": "2026-04-01T00:00:00+09:00",
        "valid_until": None,
        "granted_by": "operator:op-1",
    } | other


def write_files(folder: Path, files: Mapping[str, object]) -> Path:
    """Write the files into `folder`, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return folder


def make_network(folder: Path, files: Files) -> Network:
    """Write and read a network; its agencies keep their keys as long as `folder` is the same."""
    return read_network(write_files(folder / "network", files), keys_of_small(folder))


def keys_of_small(folder: Path) -> Path:
    """Make the small network's keys below `folder`; returns the file of the public ones."""
    make_keys(folder / "data", [CLINIC, DESK])
    return public_keys_file(folder / "data")


def _organization(organization_id: str, agency_id: str, kind: str, *, desk: bool) -> dict[str, Any]:
    attributes = [_attribute("tsunagu-agency-kind", kind), _attribute("tsunagu-area", AREA)]
    if desk:
        attributes.append(_attribute("tsunagu-standing-desk", AREA))
    return {
        "id": organization_id,
        "name": f"架空の{agency_id}",
        "description": "試験のための架空の機関",
        "organization_identifiers": [{"identifier_scheme": "tsunagu", "identifier": agency_id}],
        "attributes": attributes,
    }


def _attribute(taxonomy: str, code: str) -> dict[str, Any]:
    return {"taxonomy_term": {"taxonomy": taxonomy, "code": code}}


def _person(coordinator_id: str, name: str) -> dict[str, Any]:
    return {
        "coordinator_id": coordinator_id,
        "name": name,
        "kana": "しけん",
        "romanised": "SHIKEN",
        "languages": ["ja"],
    }
