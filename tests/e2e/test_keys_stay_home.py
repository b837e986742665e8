"""Keys and passwords stand where they belong and nowhere else, after a referral was sealed, consented to and opened."""

import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from deploy.network import EmbeddedNetwork
from deploy.sweep.spellings import Value
from deploy.sweep.sweeping import Finding, Places, sweep
from tests.e2e.agencies import CLINIC, CLINIC_WORKER, DESK, DESK_WORKER, folder_of
from tests.e2e.test_both_ways import granted, reached
from tests.faults.histories import rows
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tsunagu_agency import AgencyClient, Network, ProblemError, ToAgency
from tsunagu_agency.keystore import Keystore
from tsunagu_contracts.codes import Area, Category, Purpose, ServiceFamily
from tsunagu_contracts.encoding import from_base64url


@dataclass
class Recorder:
    """Random bytes, and a note of all that were given out."""

    given: list[bytes] = field(default_factory=list)

    def __call__(self, count: int, /) -> bytes:
        """This many random bytes."""
        self.given.append(secrets.token_bytes(count))
        return self.given[-1]


@dataclass(frozen=True)
class Secrets:
    """Values that must be found at home only: where each may stand, as the sweep tells places."""

    values: dict[str, Value]
    homes: dict[str, tuple[str, ...]]


@pytest.fixture
async def desk(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The desk's program."""
    async with AgencyClient.from_folder(folder_of(network, DESK), reader="keys") as client:
        yield client


def private_part(jwk: object) -> bytes:
    """The private number of a JWK."""
    assert isinstance(jwk, dict)
    return from_base64url(jwk["d"])


async def opened_referral(network: EmbeddedNetwork, desk: AgencyClient) -> tuple[str, list[bytes]]:
    """Seal two sections, consent to one, open it; returns the handle of the referral and both content keys."""
    drawn = Recorder()
    folder = folder_of(network, CLINIC)
    async with AgencyClient(Keystore.open(folder), Network.from_folder(folder), random=drawn) as clinic:
        await clinic.take_handles(1)
        message = clinic.seal_referral(
            by=CLINIC_WORKER,
            to=ToAgency(agency=DESK),
            area=Area.MANSEIBASHI,
            service_family=ServiceFamily.DAILY_LIFE,
            purpose=Purpose.ASSESSMENT,
            contents={Category.IDENTITY: "試験 四郎", Category.FINANCE: "借金あり"},
            person="keys",
        )
        keys = [each for each in drawn.given if len(each) == 32]
        assert len(keys) == 2
        await clinic.publish(message)
        await granted(clinic, message.referral_id)
    await reached(network, message.referral_id, "delivered")
    item = await desk.fetch_delivery(message.referral_id, by=DESK_WORKER)
    assert item.delivery is not None
    by_category = {section.category: section.section_id for section in item.delivery.sections}
    opened = await desk.open_section(item, by_category[Category.IDENTITY], by=DESK_WORKER)
    assert opened.text == "試験 四郎"
    with pytest.raises(ProblemError):
        await desk.open_section(item, by_category[Category.FINANCE], by=DESK_WORKER)

    async def told() -> bool:
        query = "SELECT count(*) FROM accesses WHERE referral_id = $1"
        return await rows(network, "audit", query, message.referral_id) == [(2,)]

    await eventually(told)
    [(handle,)] = await rows(
        network, "consent", "SELECT handle_id FROM handles WHERE referral_id = $1", message.referral_id
    )
    return str(handle), keys


@pytest.fixture
async def kept(network: EmbeddedNetwork, infra: Infrastructure, desk: AgencyClient) -> Secrets:
    """Everything secret about one opened referral and those who took part in it."""
    handle, content_keys = await opened_referral(network, desk)
    root, store = network.data.root.name, network.data.keystore
    handle_file = next(store.glob(f"handles/*/{handle}.json"))
    values: dict[str, Value] = {f"content key {number}": key for number, key in enumerate(content_keys)}
    homes: dict[str, tuple[str, ...]] = dict.fromkeys(values, ())
    values["handle"] = private_part(json.loads(handle_file.read_text()))
    homes["handle"] = (f"file {root}/consent/keystore/handles/",)
    values["lookup"] = (store / "lookup_key").read_bytes()
    homes["lookup"] = (f"file {root}/consent/keystore/lookup_key",)
    service_keys = json.loads((store / "service_keys.json").read_text())
    for name in ("handles", "person_ref"):
        values[f"consent's {name}"] = private_part(service_keys[name])
        homes[f"consent's {name}"] = (f"file {root}/consent/keystore/service_keys.json",)
    agency_keys = json.loads(network.agency(CLINIC).keys_file.read_text())
    for name in ("signing", "encryption"):
        values[f"clinic's {name}"] = private_part(agency_keys[name])
        homes[f"clinic's {name}"] = (f"file {root}/agencies/{CLINIC}/keys.json",)
    values["clinic's Kafka password"] = network.agency(CLINIC).kafka.password
    homes["clinic's Kafka password"] = (f"file {root}/secrets.json", f"file {root}/agencies/{CLINIC}/kafka.json")
    values["consent's role"] = network.database("consent").password
    homes["consent's role"] = (f"file {root}/secrets.json",)
    if infra.embedded is not None:
        values["Kafka's administrator"] = infra.kafka.password
        homes["Kafka's administrator"] = ("file infra/secrets.json",)
        values["PostgreSQL's administrator"] = infra.postgres.password
        homes["PostgreSQL's administrator"] = ("file infra/secrets.json",)
    return Secrets(values, homes)


async def test_no_secret_leaves_its_home(kept: Secrets, places: Places) -> None:
    """Content keys stand nowhere at all; every private key and password only in the one file of its owner."""
    found: list[Finding] = sweep(kept.values, places)
    astray = [each for each in found if not each.where.startswith(kept.homes[each.value])]
    assert astray == []
    at_home = {each.value for each in found}
    assert at_home == {name for name, homes in kept.homes.items() if homes}, "each is found where it belongs"
