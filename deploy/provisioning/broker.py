"""Topics, users and permissions on Kafka, exactly as the catalogue says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from deploy.access import KafkaAccess
from deploy.embedded.errors import InfrastructureError
from tsunagu_contracts.topics import (
    AGENCY_TOPIC_PARTITIONS,
    AGENCY_TOPIC_RETENTION_DAYS,
    TOPICS,
    AclRule,
    acl_rules,
    agency_inbound,
    agency_outbound,
)

DAY_MS = 24 * 60 * 60 * 1000
# The broker derives a verifier from it; the password itself is long and random.
SCRAM_ITERATIONS = 4096
SECONDS = 60.0


@dataclass(frozen=True)
class TopicPlan:
    """A topic to be there: its partitions and how many days it keeps records (None: for ever)."""

    name: str
    partitions: int
    retention_days: int | None


def planned_topics(agency_ids: Iterable[str]) -> list[TopicPlan]:
    """The catalogue's topics and each agency's two."""
    services = [TopicPlan(topic.name, topic.partitions, topic.retention_days) for topic in TOPICS]
    agencies = [
        TopicPlan(name, AGENCY_TOPIC_PARTITIONS, AGENCY_TOPIC_RETENTION_DAYS)
        for agency_id in agency_ids
        for name in (agency_outbound(agency_id), agency_inbound(agency_id))
    ]
    return services + agencies


def provision_broker(admin: KafkaAccess, agency_ids: Iterable[str], passwords: Mapping[str, str]) -> None:
    """Bring a cluster into line with the catalogue: missing topics, every user of `passwords`, exactly its ACLs.

    Can be repeated. InfrastructureError where a topic has another number of partitions than planned,
    because keys would then stand in other partitions than before.
    """
    agencies = list(agency_ids)
    client = AdminClient(admin.librdkafka())
    try:
        make_topics(client, planned_topics(agencies))
        set_users(client, passwords)
        set_acls(client, acl_rules(agencies))
    except KafkaException as error:
        raise InfrastructureError(f"Kafka refused what the catalogue asks for: {error}") from error


def make_topics(client: AdminClient, plans: Iterable[TopicPlan]) -> None:
    """Make what is missing; never changes the partitions of what is there."""
    existing = client.list_topics(timeout=SECONDS).topics
    missing = []
    for plan in plans:
        if plan.name not in existing:
            missing.append(_new_topic(plan))
        elif len(existing[plan.name].partitions) != plan.partitions:
            raise InfrastructureError(
                f"topic {plan.name} has {len(existing[plan.name].partitions)} partitions, the catalogue says "
                f"{plan.partitions}; partition counts are never changed in place"
            )
    if missing:
        _all_done(client.create_topics(missing, request_timeout=SECONDS, operation_timeout=SECONDS).values())


def set_users(client: AdminClient, passwords: Mapping[str, str]) -> None:
    """Make users, or set the passwords of those that are there."""
    changes: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS), password.encode()
        )
        for name, password in passwords.items()
    ]
    if changes:
        _all_done(client.alter_user_scram_credentials(changes).values())


def set_acls(client: AdminClient, rules: Iterable[AclRule]) -> None:
    """Make the cluster's ACLs exactly these: missing ones are added, others removed."""
    everything = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # None is how it says "any", which its annotations leave out
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    wanted = {_binding(rule) for rule in rules}
    present = set(client.describe_acls(everything, request_timeout=SECONDS).result())
    if added := wanted - present:
        _all_done(client.create_acls(list(added), request_timeout=SECONDS).values())
    if removed := present - wanted:
        _all_done(client.delete_acls([_as_filter(acl) for acl in removed], request_timeout=SECONDS).values())


def _new_topic(plan: TopicPlan) -> NewTopic:
    retention = -1 if plan.retention_days is None else plan.retention_days * DAY_MS
    # The broker unpacks what a producer has compressed: a codec that a reader does not have would stop it for good.
    config = {"retention.ms": str(retention), "compression.type": "uncompressed"}
    # A replication factor of -1 leaves it to the cluster: one here, more where there are more brokers.
    return NewTopic(plan.name, plan.partitions, -1, config=config)


def _binding(rule: AclRule) -> AclBinding:
    return AclBinding(
        ResourceType[rule.resource_type if rule.resource_type != "CLUSTER" else "BROKER"],
        rule.resource_name,
        ResourcePatternType[rule.pattern],
        f"User:{rule.principal}",
        "*",
        AclOperation[rule.operation],
        AclPermissionType.ALLOW,
    )


def _as_filter(acl: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        acl.restype,
        acl.name,
        acl.resource_pattern_type,
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission_type,
    )


def _all_done(results: Iterable[Future[object]]) -> None:
    for result in results:
        result.result(timeout=SECONDS)
