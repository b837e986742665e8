from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from services import membership
from services.directory.domain.network import Network
from services.directory.domain.problems import NetworkFilesError
from services.directory.storage import tables
from services.directory.use_cases.loading import Loaded, load_network
from tests.builders.networks import CLINIC, DESK, appointment, make_network, small_files
from tests.builders.work import ServiceDatabase
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.codes import Area
from tsunagu_contracts.envelope import encode_event

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def database(make_database: MakeDatabase) -> ServiceDatabase:
    """Make the directory's database."""
    return ServiceDatabase(make_database("directory").url, "directory")


async def load(database: ServiceDatabase, network: Network) -> Loaded:
    """Load a network in a transaction of its own."""
    async with database.work(NOW) as work:
        return await load_network(work, network)


async def test_loading_says_what_is_new_and_who_did_it(database: ServiceDatabase, tmp_path: Path) -> None:
    """The first load says agencies, then appointments caused by their agency, then mandates."""
    assert await load(database, make_network(tmp_path, small_files())) == Loaded(2, 2, 0, 1)
    said = [(event.type, event.aggregate, event.version, event.cause, event.actor) for event in await database.said()]
    assert said == [
        ("agency.registered.v1", "agency:clinic-a", 1, None, "system:directory"),
        ("agency.registered.v1", "agency:desk-a", 1, None, "system:directory"),
        ("appointment.granted.v1", "appointment:ap-1", 1, "agency:clinic-a@1", "operator:op-1"),
        ("appointment.granted.v1", "appointment:ap-2", 1, "agency:desk-a@1", "operator:op-1"),
        ("mandate.granted.v1", "mandate:ma-1", 1, None, "operator:op-1"),
    ]


async def test_loading_again_says_nothing(database: ServiceDatabase, tmp_path: Path) -> None:
    """The same files loaded again, as at every start, say nothing and keep everything."""
    network = make_network(tmp_path, small_files())
    await load(database, network)
    assert await load(database, network) == Loaded(0, 0, 0, 0)
    assert len(await database.said()) == 5
    async with database.reading() as session:
        assert len(await membership.on_duty(session, DESK, NOW)) == 1


async def test_only_differences_are_said(database: ServiceDatabase, tmp_path: Path) -> None:
    """An end, a new appointment and a changed agency are said; the rest is not said again."""
    files = small_files()
    await load(database, make_network(tmp_path, files))
    files["appointments.json"][0]["ended_at"] = "2026-10-01T00:00:00+09:00"
    files["appointments.json"].append(appointment("ap-3", "c-1", DESK))
    files["organizations.json"][0]["attributes"][0]["taxonomy_term"]["code"] = "hospital"
    assert await load(database, make_network(tmp_path, files)) == Loaded(1, 1, 1, 0)
    said = [(event.type, event.aggregate, event.version) for event in (await database.said())[5:]]
    assert said == [
        ("agency.registered.v1", "agency:clinic-a", 2),
        ("appointment.granted.v1", "appointment:ap-3", 1),
        ("appointment.ended.v1", "appointment:ap-1", 2),
    ]
    async with database.reading() as session:
        held = await membership.appointments_of(session, "c-1", NOW)
        assert [each.appointment_id for each in held] == ["ap-3"]


async def test_a_refused_description_leaves_everything_as_it_was(database: ServiceDatabase, tmp_path: Path) -> None:
    """A description that rewrites the past is refused and nothing of it is kept or said."""
    files = small_files()
    await load(database, make_network(tmp_path, files))
    files["coordinators.json"][0]["name"] = "新しい 名前"
    files["appointments.json"].append(appointment("ap-3", "c-1", DESK))
    files["appointments.json"][0]["role"] = "supervisor"
    with pytest.raises(NetworkFilesError, match="ap-1: it differs from the one registered"):
        await load(database, make_network(tmp_path, files))
    assert len(await database.said()) == 5
    async with database.reading() as session:
        names = await session.execute(sa.select(tables.coordinators.c.name).order_by(tables.coordinators.c.id))
        assert names.scalars().all() == ["試験 花子", "試験 太郎"]
        assert await membership.appointment(session, "ap-3") is None


async def test_names_of_staff_are_in_no_event(database: ServiceDatabase, tmp_path: Path) -> None:
    """What is said holds ids and codes; names stay in the directory's own tables."""
    await load(database, make_network(tmp_path, small_files()))
    for event in await database.said():
        text = encode_event(event).decode()
        assert text.isascii()
        assert "\\u" not in text
        assert "SHIKEN" not in text


async def test_the_directory_knows_callers_as_everybody_does(database: ServiceDatabase, tmp_path: Path) -> None:
    """After loading, the directory's own projection has keys, desks and appointments."""
    network = make_network(tmp_path, small_files())
    await load(database, network)
    async with database.reading() as session:
        keys = await membership.agency_keys(session, [CLINIC])
        assert keys[CLINIC] == (network.keys[CLINIC].signing, network.keys[CLINIC].encryption)
        assert await membership.desk_for(session, Area.MANSEIBASHI) == DESK
