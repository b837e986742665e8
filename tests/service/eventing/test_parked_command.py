"""`tsunagu parked` on a real database: what waits is listed with its reason, and a replay is asked for."""

import pytest
from typer.testing import CliRunner

from deploy.access import PostgresAccess
from deploy.cli import app
from services.eventing import parking
from services.eventing.database import Database
from services.eventing.parking import Parking
from tests.service.eventing.conftest import Partition, Stream
from tsunagu_contracts.codes import RefusalCode


@pytest.fixture
async def parked_id(database: Database) -> int:
    """A lane with one parked message and one behind it; the id of the first."""
    partition, stream = Partition(), Stream()
    records = [partition.record(stream.key, stream.next()) for _ in range(2)]
    async with database.work() as work:
        first = Parking(records[0], RefusalCode.HANDLER_FAILED, "ValueError")
        await parking.park(work.session, [first, Parking(records[1], RefusalCode.BEHIND_PARKED)])
    async with database.reading() as session:
        return (await parking.list_parked(session))[0].id


async def test_list_shows_each_parked_message_with_its_reason(
    database: Database, pipeline_database: PostgresAccess, parked_id: int
) -> None:
    """The list names place, reason in both languages and code, and what waits behind."""
    shown = CliRunner().invoke(
        app, ["parked", "list", "notify", "--database-url", pipeline_database.url], env={"COLUMNS": "240"}
    )
    assert shown.exit_code == 0, shown.output
    assert "notify.events[0]@0" in shown.output
    assert "handler_failed" in shown.output
    assert "処理に失敗しました" in shown.output
    assert "behind_parked" in shown.output


async def test_replay_asks_for_the_whole_lane(
    database: Database, pipeline_database: PostgresAccess, parked_id: int
) -> None:
    """Asking for one parked message asks for all that wait behind it as well."""
    done = CliRunner().invoke(
        app, ["parked", "replay", "notify", str(parked_id), "--database-url", pipeline_database.url]
    )
    assert done.exit_code == 0, done.output
    async with database.reading() as session:
        assert all(row.replay_requested_at is not None for row in await parking.list_parked(session))


async def test_replay_of_an_unknown_id_says_so(database: Database, pipeline_database: PostgresAccess) -> None:
    """An id that is not parked is answered with a non-zero status and changes nothing."""
    done = CliRunner().invoke(app, ["parked", "replay", "notify", "99999", "--database-url", pipeline_database.url])
    assert done.exit_code == 1
    assert "no such parked message" in done.output
