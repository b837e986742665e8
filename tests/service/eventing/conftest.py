"""A database with the pipeline's tables, a real producer and events to send through both."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pytest
import sqlalchemy as sa
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.provisioning.databases import drop_database, provision_databases
from services.eventing import schema
from services.eventing.broker import KafkaAccess, Producer
from services.eventing.database import Database
from services.eventing.records import Record
from tests.infra.infrastructure import Infrastructure
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Event, encode_event
from tsunagu_contracts.events.notify import NotificationAcknowledged
from tsunagu_contracts.ports import SystemClock, Uuid7Ids

IDS = Uuid7Ids()
TOPIC = "notify.events"


@dataclass
class Stream:
    """The events of one aggregate as its owner would say them, each following the one before."""

    aggregate: str = field(default_factory=lambda: f"notification:{IDS.new()}")
    version: int = 0
    previous: str | None = None

    @property
    def key(self) -> str:
        """The key of its records."""
        return self.aggregate.partition(":")[2]

    def next(self, *, cause: str | None = None) -> bytes:
        """The bytes of its next event."""
        self.version += 1
        event = Event(
            id=IDS.new(),
            source="tsunagu/notify",
            type=NotificationAcknowledged.TYPE,
            time=SystemClock().now(),
            aggregate=self.aggregate,
            version=self.version,
            previous=self.previous,
            cause=cause,
            actor=str(Actor.system("notify")),
            data=NotificationAcknowledged(notification_id=self.key, coordinator_id="c-0001"),
        )
        raw = encode_event(event)
        self.previous = digest(raw)
        return raw


@dataclass
class Partition:
    """One partition's records with rising offsets."""

    topic: str = TOPIC
    offset: int = 0

    def record(self, key: str | None, value: bytes) -> Record:
        """The next record."""
        record = Record(self.topic, 0, self.offset, key, value, (), 0)
        self.offset += 1
        return record


@pytest.fixture
def kafka(infra: Infrastructure) -> KafkaAccess:
    """The run's Kafka, as its administrator."""
    access = infra.kafka
    return KafkaAccess(access.bootstrap, access.username, access.password)


@pytest.fixture
def pipeline_database(infra: Infrastructure) -> Iterator[PostgresAccess]:
    """An empty database of its own role."""
    name = f"eventing_{IDS.new().replace('-', '')[-12:]}"
    yield run_blocking(provision_databases(infra.postgres, {name: "secret"}))[name]
    run_blocking(drop_database(infra.postgres, name))


@pytest.fixture
async def database(pipeline_database: PostgresAccess, kafka: KafkaAccess) -> AsyncIterator[Database]:
    """A service's database with the pipeline's tables."""
    database = open_database(pipeline_database, kafka)
    async with database.engine.begin() as connection:
        await connection.run_sync(schema.metadata.create_all)
    yield database
    await database.close()


@pytest.fixture
async def effects_table(database: Database) -> None:
    """A table of what took effect, in the service's own database."""
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE effects (id serial, aggregate text, version int, member text)"))


def open_database(where: PostgresAccess, kafka: KafkaAccess) -> Database:
    """Another replica's connection to the same database."""
    return Database(
        where.url, source="notify", clock=SystemClock(), ids=IDS, producer=Producer(kafka, "tests.eventing")
    )


class MakeTopic(Protocol):
    """Makes a topic with so many partitions, of a name of its own if none is given; returns the name."""

    def __call__(self, partitions: int, name: str = "") -> str:
        """Make it."""
        ...


@pytest.fixture
def make_topic(infra: Infrastructure) -> Iterator[MakeTopic]:
    """Makes topics that are deleted after the test."""
    admin = AdminClient(infra.kafka.librdkafka())
    made: list[str] = []

    def make(partitions: int, name: str = "") -> str:
        name = name or f"test.{IDS.new()}"
        admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
        made.append(name)
        return name

    yield make
    if made:
        for done in admin.delete_topics(made).values():
            done.result(30)
