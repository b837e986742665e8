"""Who may do what on Kafka: for whatever agencies there are, nobody gets more than the catalogue gives."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_contracts.topics import (
    AGENCY_OUTBOUND_PATTERN,
    SERVICES,
    TOPICS,
    AclRule,
    Topic,
    acl_rules,
    agency_inbound,
    agency_of_outbound,
    agency_outbound,
    agency_principal,
    consumed_by,
)

AGENCY_ID = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9-]{1,48}", fullmatch=True),
    # Ids that could be taken for something else, or for the beginning of another.
    st.sampled_from([*SERVICES, "clinic", "clinic-a", "clinic-a-b", "agency", "outbound", "inbound", "events"]),
)
AGENCIES = st.lists(AGENCY_ID, max_size=6, unique=True)
OWN_TOPICS = {name: {topic.name for topic in TOPICS if topic.producer == name} for name in SERVICES}


def topics_of(rules: list[AclRule], principal: str, operation: str) -> set[str]:
    """The topics on which a principal is permitted an operation."""
    return {
        rule.resource_name
        for rule in rules
        if (rule.principal, rule.operation, rule.resource_type) == (principal, operation, "TOPIC")
    }


@given(AGENCIES)
def test_a_service_writes_what_it_produces_and_reads_what_it_consumes(agencies: list[str]) -> None:
    """The catalogue's producer and consumers have their rights and no others; only `referral` meets agencies.

    A service reads what it said itself only where a restored database must be told of it: consent, its two topics.
    """
    rules = acl_rules(agencies)
    outbound, inbound = set(map(agency_outbound, agencies)), set(map(agency_inbound, agencies))
    for service in SERVICES:
        of_agencies = service == "referral"
        assert topics_of(rules, service, "WRITE") == OWN_TOPICS[service] | (inbound if of_agencies else set())
        consumed = {topic.name for topic in consumed_by(service)}
        consumed |= {topic.name for topic in TOPICS if topic.read_back and topic.producer == service}
        assert topics_of(rules, service, "READ") == consumed | (outbound if of_agencies else set())


@given(AGENCIES)
def test_an_agency_writes_its_own_outbound_and_reads_its_own_inbound(agencies: list[str]) -> None:
    """An agency sees no topic of a service and no topic of another agency."""
    rules = acl_rules(agencies)
    for agency_id in agencies:
        principal = agency_principal(agency_id)
        assert topics_of(rules, principal, "WRITE") == {agency_outbound(agency_id)}
        assert topics_of(rules, principal, "READ") == {agency_inbound(agency_id)}
        others = [rule for rule in rules if rule.principal == principal and rule.resource_type != "TOPIC"]
        assert others == [AclRule(principal, "READ", "GROUP", f"{principal}.", "PREFIXED")]


@given(AGENCIES)
def test_consent_gets_nothing_that_carries_bodies(agencies: list[str]) -> None:
    """Whoever holds the keys of handles never sees a body: no topic of an agency, by name or by prefix."""
    rules = [rule for rule in acl_rules(agencies) if rule.principal == "consent"]
    assert not [rule for rule in rules if rule.resource_name.startswith("agency")]
    assert {rule.pattern for rule in rules} == {"LITERAL"}


@given(AGENCIES)
def test_only_known_principals_get_only_known_kinds_of_rights(agencies: list[str]) -> None:
    """No wildcard, no right on the cluster, no topic by prefix, and no principal but services and agencies."""
    rules = acl_rules(agencies)
    assert {rule.principal for rule in rules} == {*SERVICES, *map(agency_principal, agencies)}
    assert len(set(rules)) == len(rules)
    for rule in rules:
        assert rule.operation in ("READ", "WRITE")
        assert rule.resource_type in ("TOPIC", "GROUP")
        assert rule.pattern == "LITERAL" or rule.resource_type == "GROUP"
        assert "*" not in rule.resource_name


@given(AGENCIES)
def test_a_group_of_an_agency_is_out_of_reach_for_everybody_else(agencies: list[str]) -> None:
    """The prefix of one agency's consumer groups covers no group of another agency or of a service."""
    for one in agencies:
        prefix = f"{agency_principal(one)}."
        assert not any(service.startswith(prefix) for service in SERVICES)
        others = (f"{agency_principal(other)}.group" for other in agencies if other != one)
        assert not any(group.startswith(prefix) for group in others)


@given(AGENCIES, AGENCY_ID)
def test_a_new_agency_changes_nobody_elses_rights(agencies: list[str], newcomer: str) -> None:
    """With one more agency, everybody has what they had; new are its own rights and `referral`'s on its topics."""
    known = [agency_id for agency_id in agencies if agency_id != newcomer]
    before, after = set(acl_rules(known)), set(acl_rules([*known, newcomer]))
    assert before <= after
    assert {rule.principal for rule in after - before} == {agency_principal(newcomer), "referral"}
    assert all(newcomer in rule.resource_name for rule in after - before)


@given(AGENCY_ID)
def test_the_topic_says_which_agency_wrote(agency_id: str) -> None:
    """The agency of an outbound topic is read from its name, and from no other topic's."""
    assert agency_of_outbound(agency_outbound(agency_id)) == agency_id
    assert re.fullmatch(AGENCY_OUTBOUND_PATTERN, agency_outbound(agency_id))
    assert agency_of_outbound(agency_inbound(agency_id)) is None
    assert re.fullmatch(AGENCY_OUTBOUND_PATTERN, agency_inbound(agency_id)) is None


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_of_services_is_written_by_its_producer_alone(topic: Topic) -> None:
    """Every topic has one writer, a service, and `audit` reads it."""
    writers = [rule.principal for rule in acl_rules(["clinic-a"]) if _writes(rule, topic.name)]
    assert writers == [topic.producer]
    assert "audit" in topic.consumers
    assert {topic.producer, *topic.consumers} <= set(SERVICES)


def _writes(rule: AclRule, topic: str) -> bool:
    return (rule.operation, rule.resource_type, rule.resource_name) == ("WRITE", "TOPIC", topic)
