import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from confluent_kafka import Consumer, TopicPartition

from deploy.access import KafkaAccess
from deploy.blocking import run_blocking
from deploy.demo.keys import trust_file
from deploy.embedded.ports import LOOPBACK, free_ports
from deploy.network import DEMO_NETWORK, EmbeddedNetwork
from services.directory.domain.network import Network
from services.directory.storage import tables
from services.directory.use_cases.loading import load_network
from services.membership.tables import member_agencies, member_appointments
from tests.builders.networks import keys_of_small, make_network, small_files, write_files
from tests.builders.work import ServiceDatabase
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.ports import SystemClock
from tsunagu_contracts.topics import DIRECTORY_EVENTS


def everything_on(topic: str, access: KafkaAccess) -> Iterator[tuple[bytes, bytes]]:
    """Read key and value of every record of a topic with one partition."""
    consumer = Consumer({**access.librdkafka(), "group.id": "audit", "enable.auto.commit": False})
    try:
        partition = TopicPartition(topic, 0, 0)
        _, end = consumer.get_watermark_offsets(partition, timeout=20)
        consumer.assign([partition])
        for _ in range(end):
            message = consumer.poll(20)
            assert message is not None, "a record did not come in 20 s"
            assert message.error() is None
            key, value = message.key(), message.value()
            assert isinstance(key, bytes)
            assert isinstance(value, bytes)
            yield key, value
    finally:
        consumer.close()


def events_said(network: EmbeddedNetwork) -> list[tuple[bytes, bytes, Event]]:
    """Read every event of the directory, as bytes and decoded."""
    access = network.service_login("audit")
    return [(key, value, decode_event(value)) for key, value in everything_on(DIRECTORY_EVENTS.name, access)]


async def load(url: str, network: Network) -> None:
    """Load a network into a directory's database."""
    async with ServiceDatabase(url, "directory").work(SystemClock().now()) as work:
        await load_network(work, network)


async def kept(url: str) -> tuple[int, int]:
    """Count the appointments that a directory has, and the events that it has said."""
    database = ServiceDatabase(url, "directory")
    async with database.reading() as session:
        count = sa.select(sa.func.count()).select_from(tables.appointments)
        appointments = (await session.execute(count)).scalar_one()
    return appointments, len(await database.said())


async def known(url: str) -> tuple[int, int]:
    """Count the agencies and appointments that a service knows of."""
    async with ServiceDatabase(url, "any").reading() as session:
        agencies = await session.execute(sa.select(sa.func.count()).select_from(member_agencies))
        appointments = await session.execute(sa.select(sa.func.count()).select_from(member_appointments))
        return agencies.scalar_one(), appointments.scalar_one()


def test_a_started_directory_has_said_the_whole_network_once(network: EmbeddedNetwork) -> None:
    """After the start every agency, appointment and mandate stands on the topic, in order, under its own key."""
    said = events_said(network)
    counted = [event.type for _, _, event in said]
    assert counted.count("agency.registered.v1") == 37
    assert counted.count("appointment.granted.v1") == 62
    assert counted.count("appointment.ended.v1") == 1
    assert counted.count("mandate.granted.v1") == 1
    seen: dict[str, int] = {}
    for key, _, event in said:
        assert key.decode() == event.key
        assert event.version == seen.get(event.aggregate, 0) + 1
        seen[event.aggregate] = event.version
        if event.cause is not None:
            aggregate, _, version = event.cause.rpartition("@")
            assert seen[aggregate] >= int(version)


def test_no_name_of_staff_leaves_the_directory(network: EmbeddedNetwork) -> None:
    """No coordinator's or auditor's name, in any writing, is in any event."""
    people = [
        *json.loads((DEMO_NETWORK / "coordinators.json").read_text(encoding="utf-8")),
        *json.loads((DEMO_NETWORK / "auditors.json").read_text(encoding="utf-8")),
    ]
    names = {part for each in people for field in ("name", "kana", "romanised") for part in each[field].split()}
    told = "\n".join(value.decode() for _, value, _ in events_said(network))
    # In letters as words of their own only: three of them stand by chance in many a key and digest.
    words = set(re.findall(r"[\w-]+", told, re.ASCII))
    assert [name for name in names if name in (words if name.isascii() else told)] == []


def test_starting_again_says_nothing_new(network: EmbeddedNetwork) -> None:
    """A restart loads the same files and adds no event."""
    before = [value for _, value, _ in events_said(network)]
    network.restart("directory")
    assert [value for _, value, _ in events_said(network)] == before


@pytest.mark.parametrize("good_before", [False, True], ids=["first start", "later start"])
def test_bad_files_stop_the_start_and_change_nothing(
    make_database: MakeDatabase, tmp_path: Path, good_before: bool
) -> None:
    """The process ends with a status, its log names file, entry and fault, and nothing is half loaded."""
    url = make_database("directory").url
    keys = keys_of_small(tmp_path)
    files = small_files()
    if good_before:
        run_blocking(load(url, make_network(tmp_path, files)))
        # What is registered is missing from the new files; everything else in them is right.
        dropped = files["appointments.json"].pop()
        expected = f"appointments.json: {dropped['appointment_id']}: it is registered and stands in no file"
    else:
        files["appointments.json"][0]["agency_id"] = "clinic-z"
        expected = "appointments.json: ap-1: there is no agency 'clinic-z'"
    ended = subprocess.run(
        [sys.executable, "-m", "services.directory"],
        env=os.environ
        | {
            "TSUNAGU_DATABASE_URL": url,
            "TSUNAGU_KAFKA_BOOTSTRAP": f"{LOOPBACK}:1",
            "TSUNAGU_KAFKA_USERNAME": "directory",
            "TSUNAGU_KAFKA_PASSWORD": "unused",
            "TSUNAGU_HTTP_PORT": str(free_ports(1)[0]),
            "TSUNAGU_ISSUER_URL": f"http://{LOOPBACK}:1",
            "TSUNAGU_TRUST_FILE": str(trust_file(tmp_path / "data")),
            "TSUNAGU_NETWORK_DIR": str(write_files(tmp_path / "network", files)),
            "TSUNAGU_AGENCY_KEYS_FILE": str(keys),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert f"network refused, nothing loaded: {expected}" in ended.stderr
    assert "試験" not in ended.stderr
    assert run_blocking(kept(url)) == ((2, 5) if good_before else (0, 0))


def test_whoever_is_ready_has_heard_of_the_network(network: EmbeddedNetwork) -> None:
    """Once the network is started, every service that relies on the directory knows all agencies and terms."""
    for service in DIRECTORY_EVENTS.consumers:
        assert run_blocking(known(network.database(service).url)) == (37, 62), service
