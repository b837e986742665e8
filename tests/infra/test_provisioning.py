from __future__ import annotations

import asyncpg
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.access import KafkaAccess
from deploy.embedded.errors import InfrastructureError
from deploy.network import EmbeddedNetwork
from deploy.provisioning.broker import TopicPlan, make_topics, planned_topics
from deploy.provisioning.databases import connect
from tests.infra.databases import MakeDatabase
from tests.infra.infrastructure import Infrastructure
from tests.infra.kafka_clients import Refused, consume, fetch, read_last, write
from tsunagu_contracts.topics import SERVICES, TOPICS, Topic, agency_inbound, agency_outbound


@pytest.fixture
def agency(provisioned: EmbeddedNetwork) -> str:
    """An agency that no other test lets send, because what is written here stays on its topics."""
    return provisioned.agency_ids[-1]


@pytest.fixture
def other(provisioned: EmbeddedNetwork) -> str:
    """Another agency."""
    return provisioned.agency_ids[-2]


def test_the_catalogue_stands_on_the_broker(provisioned: EmbeddedNetwork) -> None:
    """Every topic of the catalogue, and each agency's two, are there with the partitions that it says."""
    there = AdminClient(provisioned.kafka_admin.librdkafka()).list_topics(timeout=20).topics
    planned = planned_topics(provisioned.agency_ids)
    assert {plan.name: plan.partitions for plan in planned}.items() <= {
        name: len(topic.partitions) for name, topic in there.items()
    }.items()
    assert len(planned) == len(TOPICS) + 2 * len(provisioned.agency_ids)


def test_provisioning_again_changes_nothing(provisioned: EmbeddedNetwork, agency: str) -> None:
    """A second start brings the same topics, logins and permissions."""
    write(provisioned.agency(agency).kafka, agency_outbound(agency), b"{}")
    provisioned.provision()
    write(provisioned.agency(agency).kafka, agency_outbound(agency), b"{}")


def test_an_agency_writes_its_own_outbound_topic_only(provisioned: EmbeddedNetwork, agency: str, other: str) -> None:
    """An agency's message gets onto its own topic; onto another's, or onto a service's, it does not."""
    login = provisioned.agency(agency).kafka
    write(login, agency_outbound(agency), b"{}")
    for topic in (agency_outbound(other), agency_inbound(agency), agency_inbound(other), "referral.events"):
        with pytest.raises(Refused):
            write(login, topic, b"{}")


def test_an_agency_reads_its_own_inbound_topic_only(provisioned: EmbeddedNetwork, agency: str, other: str) -> None:
    """What `referral` sends to an agency is read by that agency and by no other."""
    write(provisioned.service_login("referral"), agency_inbound(agency), b'{"to":"you"}')
    group = f"agency.{agency}.inbox"
    assert read_last(provisioned.agency(agency).kafka, agency_inbound(agency), group=group) == b'{"to":"you"}'
    for topic in (agency_inbound(agency), agency_outbound(agency), "referral.events", "consent.records"):
        with pytest.raises(Refused):
            read_last(provisioned.agency(other).kafka, topic, group=f"agency.{other}.inbox")


def test_an_agency_joins_groups_of_its_own_name_only(provisioned: EmbeddedNetwork, agency: str, other: str) -> None:
    """An agency cannot take a service's or another agency's place in a consumer group."""
    login = provisioned.agency(agency).kafka
    consume(login, agency_inbound(agency), group=f"agency.{agency}.joining")
    for group in ("referral", f"agency.{other}.inbox", f"agency.{agency}"):
        with pytest.raises(Refused):
            consume(login, agency_inbound(agency), group=group)


@pytest.mark.parametrize("service", [service for service in SERVICES if service != "referral"])
def test_only_referral_touches_what_carries_bodies(provisioned: EmbeddedNetwork, service: str, agency: str) -> None:
    """No other service, `consent` with its keys least of all, reads or writes an agency's topics."""
    login = provisioned.service_login(service)
    for topic in (agency_inbound(agency), agency_outbound(agency)):
        with pytest.raises(Refused):
            read_last(login, topic, group=service)
        with pytest.raises(Refused):
            write(login, topic, b"{}")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_one_writer_and_the_named_readers(provisioned: EmbeddedNetwork, topic: Topic) -> None:
    """Each service may read and write exactly what the catalogue says."""
    for service in SERVICES:
        login = provisioned.service_login(service)
        if service in topic.readers:
            fetch(login, topic.name, group=service)
        else:
            with pytest.raises(Refused):
                fetch(login, topic.name, group=service)
        if service != topic.producer:
            with pytest.raises(Refused):
                write(login, topic.name, b"{}")


def test_a_wrong_password_opens_nothing(provisioned: EmbeddedNetwork, agency: str) -> None:
    """A user without the password does not get in, not even to list topics."""
    login = provisioned.agency(agency).kafka
    impostor = KafkaAccess(login.bootstrap, login.username, "guessed")
    with pytest.raises(KafkaException):
        AdminClient(impostor.librdkafka()).list_topics(timeout=3)


def test_topics_are_not_made_by_using_them(provisioned: EmbeddedNetwork) -> None:
    """A misspelt topic is an error, not a new topic; even for the administrator."""
    with pytest.raises(KafkaException):
        write(provisioned.kafka_admin, "refferal.events", b"{}", seconds=2)
    assert "refferal.events" not in AdminClient(provisioned.kafka_admin.librdkafka()).list_topics(timeout=20).topics


def test_partitions_are_never_changed_in_place(infra: Infrastructure) -> None:
    """A catalogue that asks for another number of partitions stops the start: keys would move."""
    client = AdminClient(infra.kafka.librdkafka())
    client.create_topics([NewTopic("planned.otherwise", 2, 1)])["planned.otherwise"].result(20)
    with pytest.raises(InfrastructureError, match="2 partitions, the catalogue says 3"):
        make_topics(client, [TopicPlan("planned.otherwise", 3, None)])
    client.delete_topics(["planned.otherwise"])["planned.otherwise"].result(20)


async def test_a_service_reaches_its_own_database_only(provisioned: EmbeddedNetwork) -> None:
    """A service's role owns one database, is no superuser, and may not connect to another one."""
    own = provisioned.database("referral")
    async with connect(own) as connection:
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert await connection.fetchval("SELECT count(*) FROM alembic_version") >= 1
    for database in ("consent", "audit", "postgres", "template1"):
        with pytest.raises((asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError)):
            async with connect(own.as_role(own.username, own.password, database)):
                pass


async def test_a_database_asks_for_the_password(provisioned: EmbeddedNetwork) -> None:
    """Nobody gets into a database by being on the same machine."""
    own = provisioned.database("consent")
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with connect(own.as_role("consent", "guessed", "consent")):
            pass
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with connect(own.as_role("postgres", "", "postgres")):
            pass


async def test_fresh_databases_are_apart(make_database: MakeDatabase) -> None:
    """Two databases made for tests of one service have its tables and share no row."""
    first, second = make_database("referral"), make_database("referral")
    async with connect(first) as one, connect(second) as two:
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'outbox'"
        assert await one.fetchval(tables) == await two.fetchval(tables) == 1
    assert first.database != second.database
