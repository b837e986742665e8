"""`tsunagu parked` on a real database: what waits is shown with its reason, tried again or discarded, recorded."""

import pytest
from typer.testing import CliRunner, Result

from deploy.access import PostgresAccess
from deploy.cli import app
from services.eventing import parking
from services.eventing.database import Database
from services.eventing.parking import Parking
from tests.service.eventing.batches import parked
from tests.service.eventing.conftest import Partition, Stream
from tsunagu_contracts.codes import RefusalCode

SECRET = "c-0001"  # what the events of these tests say and no command may show
BY = ("--by", "operator:o-0001")


@pytest.fixture
async def stream(database: Database) -> Stream:
    """A stream whose first event is parked and whose second waits behind it; and bytes that are no event."""
    partition, stream = Partition(), Stream()
    records = [partition.record(stream.key, stream.next()) for _ in range(2)]
    async with database.work() as work:
        first = Parking(records[0], RefusalCode.HANDLER_FAILED, "ValueError")
        alone = Parking(partition.record("山田 [red]花子", b"{"), RefusalCode.MALFORMED_JSON, blocks=False)
        await parking.park(work.session, [first, Parking(records[1], RefusalCode.BEHIND_PARKED), alone])
    return stream


def _run(database: PostgresAccess, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["parked", command, "notify", *arguments, "--database-url", database.url], env={"COLUMNS": "240"}
    )


async def _ids(database: Database) -> list[str]:
    return [str(row.id) for row in await parked(database)]


async def test_list_shows_each_parked_message_with_its_reason(
    database: Database, pipeline_database: PostgresAccess, stream: Stream
) -> None:
    """The list names place, reason in both languages and code, what waits behind, and how many need somebody."""
    shown = _run(pipeline_database, "list")
    assert shown.exit_code == 0, shown.output
    for told in ("notify.events[0]@0", "handler_failed", "処理に失敗しました", "behind_parked", stream.key, "3 need"):
        assert told in shown.output
    assert "花子" not in shown.output


async def test_show_tells_where_a_message_stood_and_not_what_it_says(
    database: Database, pipeline_database: PostgresAccess, stream: Stream
) -> None:
    """Place, size, digest, type, aggregate and version, and its lane; nothing of the content."""
    first, second, alone = await _ids(database)
    shown = _run(pipeline_database, "show", second)
    assert shown.exit_code == 0, shown.output
    told = (
        stream.aggregate,
        "notification.acknowledged.v1",
        "notify.events[0]@1",
        stream.previous,
        f"{first} {second}",
    )
    assert all(str(each) in shown.output for each in told)
    assert SECRET not in shown.output
    bytes_shown = _run(pipeline_database, "show", alone)
    assert "malformed_json" in bytes_shown.output
    assert "花子" not in bytes_shown.output


async def test_replay_asks_for_the_whole_lane(
    database: Database, pipeline_database: PostgresAccess, stream: Stream
) -> None:
    """Asking for one parked message asks for all that wait behind it as well, and for no others."""
    first, *_ = await _ids(database)
    done = _run(pipeline_database, "replay", first, *BY, "--reason", "fault_repaired")
    assert done.exit_code == 0, done.output
    asked = [row.replay_requested_at is not None for row in await parked(database)]
    assert asked == [True, True, False]


async def test_what_was_discarded_is_gone_and_its_record_can_be_shown(
    database: Database, pipeline_database: PostgresAccess, stream: Stream
) -> None:
    """After a discard `show` tells who did it, why, and which versions count as seen."""
    first, second, alone = await _ids(database)
    done = _run(pipeline_database, "discard", first, alone, *BY, "--reason", "no_longer_needed")
    assert done.exit_code == 0, done.output
    assert await _ids(database) == [second]
    shown = _run(pipeline_database, "show", first)
    assert shown.exit_code == 0, shown.output
    for told in ("no longer parked", "operator:o-0001", "no_longer_needed", f"{stream.aggregate}: 1–1"):
        assert told in shown.output


async def test_discarding_out_of_order_says_what_comes_first(
    database: Database, pipeline_database: PostgresAccess, stream: Stream
) -> None:
    """The answer names the ids to see to first; nothing has changed."""
    first, second, alone = await _ids(database)
    refused = _run(pipeline_database, "discard", second, *BY, "--reason", "said_in_error")
    assert refused.exit_code == 1
    assert f"comes after {first}" in refused.output
    assert await _ids(database) == [first, second, alone]


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize(
    "options",
    [
        (),
        BY,
        ("--reason", "passing_failure"),
        (*BY, "--reason", "because"),
        ("--by", "coordinator:c-0001", "--reason", "passing_failure"),
        ("--by", "coordinator:c-0001", "--reason", "not_an_event"),
    ],
)
async def test_nothing_is_done_without_an_operator_and_a_known_reason(
    database: Database, pipeline_database: PostgresAccess, stream: Stream, command: str, options: tuple[str, ...]
) -> None:
    """Acts name who and why; what is missing is asked for, and nothing has changed."""
    before = await _ids(database)
    refused = _run(pipeline_database, command, before[0], *options)
    assert refused.exit_code == 2, refused.output
    rows = await parked(database)
    assert [str(row.id) for row in rows] == before
    assert all(row.replay_requested_at is None for row in rows)


@pytest.mark.parametrize(
    ("command", "reason"), [("replay", "fault_repaired"), ("discard", "said_in_error"), ("show", "")]
)
async def test_an_unknown_id_is_said_to_be_none(
    database: Database, pipeline_database: PostgresAccess, command: str, reason: str
) -> None:
    """An id that is not parked is answered with a non-zero status and changes nothing."""
    options = (*BY, "--reason", reason) if reason else ()
    done = _run(pipeline_database, command, "99999", *options)
    assert done.exit_code == 1
    assert "no such parked message" in done.output
