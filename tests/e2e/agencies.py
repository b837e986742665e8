"""The agencies of the demo network that the tests speak for, with what their own programs have."""

from pathlib import Path

from deploy.network import EmbeddedNetwork
from tsunagu_agency import ActingCoordinator
from tsunagu_agency.keystore import Keystore
from tsunagu_contracts.keys import SigningKey

CLINIC = "chiyoda-clinic-a"
DESK = "chiyoda-desk-manseibashi"
CLINIC_WORKER = ActingCoordinator(coordinator_id="c-0001", appointment_id="ap-0001")
DESK_WORKER = ActingCoordinator(coordinator_id="c-0003", appointment_id="ap-0003")
ON_DUTY_AT_DESK = ("c-0003", "c-0004", "c-0005")


def folder_of(network: EmbeddedNetwork, agency_id: str) -> Path:
    """The folder of an agency, as its own program has it."""
    return network.agency(agency_id).keys_file.parent


def keys_of(network: EmbeddedNetwork, agency_id: str) -> SigningKey:
    """The key with which an agency signs."""
    return Keystore.open(folder_of(network, agency_id)).signing
