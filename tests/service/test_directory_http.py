import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from deploy.blocking import run_blocking
from deploy.demo import private_files
from deploy.demo.keys import agency_keys_file, make_keys, public_keys_file, trust_file
from deploy.embedded.ports import LOOPBACK, free_ports
from deploy.issuer import GRANT_TYPE, Issuer
from deploy.issuer import create_app as issuer_app
from deploy.network import DEMO_NETWORK, agency_ids
from services.directory.app import compose
from services.directory.network_files import read_network
from services.directory.settings import DirectorySettings
from services.directory.use_cases.loading import load_network
from services.eventing.broker import KafkaAccess, Producer
from services.eventing.database import Database
from services.runtime import errors
from services.runtime.app import Parts
from services.runtime.identity import Identity
from tests.builders.work import ServiceDatabase
from tests.infra.databases import forget_database, fresh_database
from tests.infra.infrastructure import Infrastructure
from tsunagu_contracts.assertions import sign_assertion
from tsunagu_contracts.keys import SigningKey
from tsunagu_contracts.ports import SystemClock, Uuid7Ids

CLOCK, IDS = SystemClock(), Uuid7Ids()
CLINIC, DESK = "chiyoda-clinic-a", "chiyoda-desk-manseibashi"


class Bench:
    """The directory's routes on a database with the demo network, and those who may call them."""

    def __init__(self, http: httpx.AsyncClient, data: Path, issuer: Issuer) -> None:
        self.http = http
        self._data = data
        self._issuer = issuer

    def system(self, agency_id: str, subject: str | None = None) -> dict[str, str]:
        """Call as an agency's system, or as whom it vouches for."""
        key = SigningKey.from_jwk(signing_jwk(self._data, agency_id))
        token = sign_assertion(agency_id, subject or f"system:{agency_id}", key, now=CLOCK.now(), ids=IDS)
        return {"authorization": f"Bearer {token}"}

    async def person(self, subject: str) -> dict[str, str]:
        """Call as a person whom the issuer has signed in."""
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self._issuer.url}/token", data={"grant_type": GRANT_TYPE, "subject": subject})
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    async def get(self, path: str, **parameters: str | int) -> httpx.Response:
        """Ask as the clinic's system."""
        return await self.http.get(path, params=parameters, headers=self.system(CLINIC))


def signing_jwk(data: Path, agency_id: str) -> dict[str, object]:
    """Read an agency's private signing key."""
    jwk = private_files.read(agency_keys_file(data, agency_id))["signing"]
    assert isinstance(jwk, dict)
    return jwk


@asynccontextmanager
async def running(app: FastAPI, port: int) -> AsyncIterator[None]:
    """Serve an application on loopback while the block runs."""
    server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # uvicorn tells it no other way
    yield
    server.should_exit = True
    await serving


@pytest.fixture(scope="module")
def loaded(infra: Infrastructure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Load the demo network once; these tests only read. Gives the database's URL and the folder of keys."""
    data = tmp_path_factory.mktemp("directory")
    make_keys(data, agency_ids(DEMO_NETWORK))
    database = fresh_database(infra.postgres, "directory")

    async def load() -> None:
        async with ServiceDatabase(database.url, "directory").work(CLOCK.now()) as work:
            await load_network(work, read_network(DEMO_NETWORK, public_keys_file(data)))

    run_blocking(load())
    yield database.url, data
    forget_database(infra.postgres, database)


@pytest.fixture
async def bench(loaded: tuple[str, Path]) -> AsyncIterator[Bench]:
    """Put the routes on the database, with a real issuer beside them."""
    url, data = loaded
    (port,) = free_ports(1)
    issuer = Issuer(f"http://{LOOPBACK}:{port}", SigningKey.generate(), CLOCK, IDS)
    settings = DirectorySettings.model_validate(
        {
            "database_url": url,
            "kafka_bootstrap": "unused",
            "kafka_username": "unused",
            "kafka_password": "unused",
            "http_port": 0,
            "issuer_url": issuer.url,
            "trust_file": trust_file(data),
            "network_dir": DEMO_NETWORK,
        }
    )
    producer = Producer(KafkaAccess("unused", "unused", "unused"), "unused")
    database = Database(url, source="directory", clock=CLOCK, ids=IDS, producer=producer)
    service = compose(Parts(database, CLOCK, IDS), settings)
    app = FastAPI()
    app.state.identity = Identity(issuer_url=issuer.url, agency_signing_key=service.agency_signing_key, clock=CLOCK)
    errors.install(app)
    for router in service.routers:
        app.include_router(router)
    transport = httpx.ASGITransport(app=app)
    async with (
        running(issuer_app(issuer), port),
        httpx.AsyncClient(transport=transport, base_url="http://directory") as http,
    ):
        yield Bench(http, data, issuer)
    await database.close()


async def test_agencies_come_as_hsds_organizations(bench: Bench) -> None:
    """An agency is its HSDS organization with locations, and what the network adds stands apart."""
    answer = await bench.get(f"/agencies/{DESK}")
    assert answer.status_code == 200
    found = answer.json()
    assert found["name"] == "万世橋地区 なんでも相談窓口"
    assert found["locations"][0]["organization_id"] == found["id"]
    assert found["tsunagu"]["agency_id"] == DESK
    assert found["tsunagu"]["desk_for"] == ["chiyoda.manseibashi"]
    assert "d" not in found["tsunagu"]["signing_key"]


async def test_agencies_are_found_by_kind_area_and_desk(bench: Bench) -> None:
    """Filters narrow the list, and the page says how many there are in all."""
    desk = (await bench.get("/agencies", desk_for="minato.shibaura-konan")).json()
    assert [each["tsunagu"]["agency_id"] for each in desk["contents"]] == ["minato-desk-shibaura-konan"]
    clinics = (await bench.get("/agencies", kind="clinic", area="chiyoda.manseibashi")).json()
    assert [each["tsunagu"]["agency_id"] for each in clinics["contents"]] == [CLINIC]
    first = (await bench.get("/agencies", per_page=20)).json()
    last = (await bench.get("/agencies", per_page=20, page=2)).json()
    assert (first["total_items"], first["total_pages"], first["size"]) == (37, 2, 20)
    assert (first["first_page"], first["last_page"], last["last_page"], last["size"]) == (True, False, True, 17)
    ids = [each["tsunagu"]["agency_id"] for each in first["contents"] + last["contents"]]
    assert ids == sorted(set(ids))
    beyond = (await bench.get("/agencies", per_page=20, page=9)).json()
    assert (beyond["empty"], beyond["contents"], beyond["total_items"]) == (True, [], 37)


async def test_services_come_with_their_organization_and_places(bench: Bench) -> None:
    """A service is found by area and family, with whom to ask and where."""
    found = (await bench.get("/services", area="chiyoda.manseibashi", family="daily_life")).json()
    names = {each["name"]: each["organization"]["name"] for each in found["contents"]}
    assert names == {
        "訪問と見守り": "万世橋地区 なんでも相談窓口",
        "身近な見守りと相談": "民生委員児童委員協議会 神田北部会",
        "配食と会食": "食卓のともしび",
    }
    one = found["contents"][0]
    assert one["service_at_locations"][0]["location"]["addresses"][0]["city"] == "千代田区"
    assert (await bench.get(f"/services/{one['id']}")).json() == one
    of_desk = (await bench.get("/services", agency=DESK)).json()
    assert of_desk["total_items"] == 2


async def test_areas_name_their_desks(bench: Bench) -> None:
    """Every area of both wards is listed in the order of its file, with its standing desk."""
    found = (await bench.get("/areas")).json()
    assert len(found) == 11
    assert found[4] == {
        "code": "chiyoda.manseibashi",
        "ward": {"ja": "千代田区", "en": "Chiyoda City"},
        "name": {"ja": "万世橋", "kana": "まんせいばし", "en": "Manseibashi"},
        "desk": DESK,
    }
    assert all(each["desk"] for each in found)


async def test_a_coordinators_name_is_told_on_request(bench: Bench) -> None:
    """Members can look up who an id stands for, and under what they act now."""
    found = (await bench.get("/coordinators/c-0003")).json()
    assert (found["name"], found["romanised"]) == ("朝倉 千景", "ASAKURA Chikage")
    assert [each["agency_id"] for each in found["appointments"]] == [DESK]
    left = (await bench.get("/coordinators/c-0056")).json()
    assert (left["name"], left["appointments"]) == ("仁科 浩", [])


async def test_the_trusted_keys_are_public(bench: Bench) -> None:
    """Members can fetch the keys that certify handles and seal references; no secret is in them."""
    found = (await bench.get("/trust")).json()
    assert set(found) == {"handles", "person_ref"}
    assert all("d" not in each for each in found.values())


@pytest.mark.parametrize("subject", ["coordinator:c-0001", "auditor:au-0001"])
async def test_people_with_an_appointment_or_a_mandate_may_read(bench: Bench, subject: str) -> None:
    """A coordinator or auditor signed in by the issuer is answered."""
    answer = await bench.http.get("/areas", headers=await bench.person(subject))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "subject", ["coordinator:c-0056", "coordinator:c-9999", "auditor:au-9999", "operator:op-chiyoda"]
)
async def test_people_without_one_may_not(bench: Bench, subject: str) -> None:
    """Who has left, was never appointed or holds no mandate is refused, signed in or not."""
    answer = await bench.http.get("/coordinators/c-0003", headers=await bench.person(subject))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    assert "朝倉" not in answer.text


async def test_an_agency_vouches_for_its_own_coordinators_only(bench: Bench) -> None:
    """An agency's token for another agency's coordinator is refused."""
    own = await bench.http.get("/areas", headers=bench.system(CLINIC, "coordinator:c-0001"))
    assert own.status_code == 200
    other = await bench.http.get("/areas", headers=bench.system(CLINIC, "coordinator:c-0003"))
    assert (other.status_code, other.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize(
    "path",
    ["/agencies", f"/agencies/{DESK}", "/services", "/services/x", "/areas", "/coordinators/c-0003", "/trust"],
)
async def test_no_route_is_open(bench: Bench, path: str) -> None:
    """Without a token, or with another agency's signature, nothing is told."""
    assert (await bench.http.get(path)).status_code == 401
    forged = {"authorization": bench.system(CLINIC)["authorization"][:-8] + "AAAAAAAA"}
    assert (await bench.http.get(path, headers=forged)).status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/agencies/no-such-agency", 404, "not_found"),
        ("/services/no-such-service", 404, "not_found"),
        ("/coordinators/c-9999", 404, "not_found"),
        ("/agencies?area=atlantis", 422, "invalid_content"),
        ("/agencies?per_page=100000", 422, "invalid_content"),
        ("/services?page=0", 422, "invalid_content"),
        ("/agencies/..%2fcoordinators", 404, "not_found"),
    ],
)
async def test_a_bad_request_is_a_problem(bench: Bench, path: str, status: int, code: str) -> None:
    """What is not there or not allowed is told as an RFC 9457 problem with a stable code."""
    answer = await bench.http.get(path, headers=bench.system(CLINIC))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
