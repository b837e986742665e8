"""The sweep finds what is planted in the clear: without that, finding nothing would say nothing."""

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from typer.testing import CliRunner

from deploy.blocking import run_blocking
from deploy.cli import app
from deploy.network import EmbeddedNetwork
from deploy.provisioning.databases import connect
from deploy.sweep.command import FOUND
from deploy.sweep.segments import CannotUnpackError
from deploy.sweep.sweeping import Finding, Places, sweep, sweep_folders
from tests.builders.wire import BytesName, careless_producers
from tests.infra.infrastructure import Infrastructure


class Plant(NamedTuple):
    """One way of writing a text, as the sweep calls it; variants of one way are planted with different texts."""

    way: str
    variant: int
    write: Callable[[str], bytes]


PLANTS = (
    Plant("utf-8", 0, lambda text: text.encode()),
    Plant("json", 0, lambda text: json.dumps({"name": text}).encode()),
    Plant(
        "json", 1, lambda text: re.sub(rb"u[0-9a-f]{4}", lambda m: b"u" + m[0][1:].upper(), json.dumps(text).encode())
    ),
    Plant("json", 2, lambda text: b"".join(b"\\u%04x" % ord(letter) for letter in text)),
    Plant("json in json", 0, lambda text: json.dumps(json.dumps([text])).encode()),
    Plant("utf-16-le", 0, lambda text: text.encode("utf-16-le")),
    Plant("utf-16-be", 0, lambda text: text.encode("utf-16-be")),
    Plant("percent", 0, lambda text: quote(text).encode()),
    Plant("percent", 1, lambda text: quote_plus(text).lower().encode()),
    Plant("percent twice", 0, lambda text: quote(quote(text)).encode()),
    Plant("hexadecimal", 0, lambda text: text.encode().hex().upper().encode()),
    Plant("base64", 0, lambda text: base64.b64encode(f"{text}?".encode())),
    Plant("base64", 1, lambda text: base64.b64encode(f"x{text}??".encode())),
    Plant("base64", 2, lambda text: base64.urlsafe_b64encode(f"xy{text}".encode())),
    Plant("base64", 3, lambda text: base64.urlsafe_b64encode(json.dumps({"n": text}).encode())),
)
TOPIC = "sweep.control"


def planted_text() -> str:
    """A text like a person's, which stands nowhere else."""
    return f"鷺沼 花江{secrets.token_hex(4)}"


class Planted:
    """Texts planted in every way and place, each variant of a way with a text of its own."""

    def __init__(self) -> None:
        self.texts = {f"text {variant}": planted_text() for variant in range(4)}

    @property
    def contents(self) -> list[bytes]:
        """What is planted, with something on either side."""
        return [b"before " + plant.write(self.texts[f"text {plant.variant}"]) + b" after" for plant in PLANTS]


@pytest.fixture(scope="module")
def planted(network: EmbeddedNetwork) -> Iterator[Planted]:
    """Every text in a compressed record, a table, a log and a trace of the network."""
    made = Planted()
    admin = AdminClient(network.kafka_admin.librdkafka())
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)
    producer = Producer({**network.kafka_admin.librdkafka(), "compression.type": "gzip", "linger.ms": 200})
    for content in made.contents:
        producer.produce(TOPIC, content * 3, b"key")
    assert producer.flush(20) == 0
    run_blocking(_into_table(network, made))
    log, trace = network.log("control"), network.data.traces / "control.jsonl"
    for file in (log, trace):
        file.write_bytes(b"".join(b"first line\n" + content + b"\n" for content in made.contents))
    yield made
    log.unlink()
    trace.unlink()
    run_blocking(_forget_table(network))
    admin.delete_topics([TOPIC])[TOPIC].result(20)


async def _into_table(network: EmbeddedNetwork, made: Planted) -> None:
    async with connect(network.database("notify")) as connection:
        await connection.execute("CREATE TABLE sweep_control (content bytea, words text[])")
        words = list(made.texts.values())
        await connection.executemany(
            # Twice: one of the two may stand across the header of a page in the database's log of changes.
            "INSERT INTO sweep_control VALUES ($1, $2)",
            [(content, words) for content in (*made.contents, *made.contents)],
        )


async def _forget_table(network: EmbeddedNetwork) -> None:
    async with connect(network.database("notify")) as connection:
        await connection.execute("DROP TABLE sweep_control")


@pytest.fixture(scope="module")
def found(planted: Planted, network: EmbeddedNetwork, infra: Infrastructure) -> list[Finding]:
    """What one sweep for all the texts finds."""
    folders = [network.data.root, *([infra.embedded.broker.folder.parent] if infra.embedded else [])]
    return sweep(planted.texts, Places(network.kafka_admin, {"notify": network.database("notify")}, folders))


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.way} {plant.variant}")
def test_what_is_planted_is_found_in_every_place(
    found: list[Finding], infra: Infrastructure, network: EmbeddedNetwork, plant: Plant
) -> None:
    """In a record, a segment's compressed batch, a table, a log, a trace and the database's own files."""
    wheres = [each.where for each in found if (each.value, each.way) == (f"text {plant.variant}", plant.way)]
    root, row = network.data.root.name, PLANTS.index(plant)
    expected = [
        f"topic {TOPIC}[0]@{row}",
        f"table notify.public.sweep_control row (0, {row + 1}) column content",
        f"file {root}/logs/control.log byte ",
        f"file {root}/traces/control.jsonl byte ",
    ]
    if infra.embedded is not None:
        expected += [f"segment infra/kafka/data/{TOPIC}-0/", "file infra/postgres/pg_wal/"]
    for start in expected:
        assert any(where.startswith(start) for where in wheres), (start, wheres)


def test_a_list_in_a_table_is_looked_into(found: list[Finding], planted: Planted) -> None:
    """A column of several texts is searched as one of a single text is."""
    assert {each.value for each in found if each.where.endswith("column words")} == planted.texts.keys()


def test_a_finding_says_which_line_and_never_what(found: list[Finding], planted: Planted) -> None:
    """Where a text stands is told by position and line, and the text itself by its name only."""
    lines = {(each.value, each.way): each.where for each in found if "control.log" in each.where}
    for row, plant in enumerate(PLANTS):
        assert lines[f"text {plant.variant}", plant.way].endswith(f" line {2 * row + 2}")
    assert not any(text in repr(found) for text in planted.texts.values())


async def test_a_header_whose_name_is_no_text_is_read(planted: Planted, network: EmbeddedNetwork) -> None:
    """Any agency may send one; what stands in it, or beside it, is found."""
    texts = {"value": planted_text(), "name": planted_text()}
    with careless_producers():
        async with AIOKafkaProducer(**network.kafka_admin.aiokafka()) as producer:
            headers = [(BytesName(b"\xff" + texts["name"].encode()), texts["value"].encode())]
            place = await producer.send_and_wait(TOPIC, b"value", headers=headers)
    found = sweep(texts, Places(network.kafka_admin, {}, []))
    assert {(each.value, each.where) for each in found} == {
        (name, f"topic {TOPIC}[0]@{place.offset}") for name in texts
    }


def test_a_text_that_stands_nowhere_is_not_found(planted: Planted, places: Places) -> None:
    """What was never written is found nowhere."""
    assert sweep({"unwritten": planted_text()}, places) == []


def test_a_text_across_two_blocks_of_a_file_is_found(network: EmbeddedNetwork) -> None:
    """Large files are read in blocks of 8 MiB; what stands across two of them is found, after zeros too."""
    text = planted_text()
    for before in (8 * 1024 * 1024 - 5, 16 * 1024 * 1024 - 1):
        file = network.data.traces / "large.bin"
        file.write_bytes(b"x" + bytes(before - 1) + text.encode())
        ways = sweep_folders({"text": text}, [network.data.traces])
        file.unlink()
        assert [each.where for each in ways] == [f"file traces/large.bin byte {before} line 1"]


def test_records_that_cannot_be_read_are_no_clean_sweep(network: EmbeddedNetwork) -> None:
    """A segment compressed in a way that the sweep cannot unpack stops it."""
    batch = bytes(8) + (61 - 12).to_bytes(4, "big") + bytes(4) + b"\2" + bytes(4) + b"\0\4" + bytes(38)
    segment = network.data.traces / "00000000000000000000.log"
    segment.write_bytes(batch)
    try:
        with pytest.raises(CannotUnpackError, match="zstd"):
            sweep_folders({"text": planted_text()}, [network.data.traces])
    finally:
        segment.unlink()


def test_short_values_are_refused() -> None:
    """What would be found by chance is not searched for."""
    with pytest.raises(ValueError, match="by chance"):
        sweep_folders({"initials": "T.K."}, [])


@pytest.fixture
def running_folder(
    network: EmbeddedNetwork, infra: Infrastructure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A data folder as `make run` has it, for the network of this run, whose servers are in another folder."""
    secrets_of_network = json.loads(network.data.secrets.read_text())
    secrets_of_network["kafka.admin"] = infra.kafka.password
    (tmp_path / "secrets.json").write_text(json.dumps(secrets_of_network))
    (tmp_path / "run.json").write_text(network.data.run.read_text())
    monkeypatch.setenv("TSUNAGU_DATA", str(tmp_path))
    return tmp_path


def test_the_command_tells_where_a_value_stands(running_folder: Path) -> None:
    """`tsunagu sweep` names the place and the line of input, not the value, and ends with status 1."""
    text = planted_text()
    (running_folder / "notes.txt").write_bytes(b"\n\n" + quote(text).encode())
    result = CliRunner().invoke(app, ["sweep"], input=f"{planted_text()}\n{text}\n")
    assert result.exit_code == FOUND, result.output
    assert "line 2: file" in result.stdout
    assert "notes.txt byte 2 line 3 percent" in result.stdout
    assert text not in result.stdout
    assert "line 1:" not in result.stdout


def test_the_command_says_that_nothing_was_found(running_folder: Path) -> None:
    """What stands nowhere ends with status 0; what is too short to look for is an error."""
    result = CliRunner().invoke(app, ["sweep"], input=f"{planted_text()}\n")
    assert (result.exit_code, "found nowhere" in result.stdout) == (0, True), result.output
    assert CliRunner().invoke(app, ["sweep"], input="T.K.\n").exit_code == 2


def test_the_command_needs_a_running_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing runs the command says so instead of finding nothing."""
    monkeypatch.setenv("TSUNAGU_DATA", str(tmp_path))
    assert CliRunner().invoke(app, ["sweep"], input="anything\n").exit_code == 2
