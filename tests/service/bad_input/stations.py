"""The consumers of the catalogue, each with its real handler on a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.access import PostgresAccess
from services.audit import subscribers as audit
from services.eventing.database import Database
from services.eventing.processing import Handler
from services.notify import subscribers as notify
from services.referral import subscribers as referral
from tests.builders import consent_bench, referral_bench
from tests.builders.agency_messages import IDS
from tests.builders.evidence import evidence_of
from tests.builders.said import Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import forget_database, fresh_database
from tests.service.bad_input.lanes import Lane, coverage_says, golden_lane, obligations_say, referral_says
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.topics import (
    AGENCY_OUTBOUND_PATTERN,
    COVERAGE,
    DIRECTORY_EVENTS,
    EVIDENCE,
    RECORDS,
    REFERRAL_EVENTS,
    SERVICES,
    Topic,
    acl_rules,
    agency_outbound,
    consumed_by,
)


def reads_agencies(service: str) -> bool:
    """Whether the catalogue lets this service read what agencies say."""
    return any(
        (rule.principal, rule.operation, rule.resource_name) == (service, "READ", agency_outbound("any"))
        for rule in acl_rules(["any"])
    )


BeginLane = Callable[[], Awaitable[Lane]]


@dataclass(frozen=True)
class Station:
    """One service as it consumes.

    `begins` has the topics on which the service takes only events of aggregates that it knows something of, and how
    such a one is begun. `messages` is where sound messages of agencies come from, in the service that reads them.
    """

    service: str
    database: Database
    handler: Handler
    begins: Mapping[str, BeginLane] = field(default_factory=dict)
    messages: referral_bench.Bench | None = None

    @property
    def raw(self) -> bool:
        """Whether it takes records as they come, and parks none."""
        return self.service == "audit"

    @property
    def heeded(self) -> tuple[str, ...]:
        """The topics of services that it reads."""
        return tuple(topic.name for topic in consumed_by(self.service))

    @property
    def pattern(self) -> str | None:
        """The topics of agencies that it reads."""
        return AGENCY_OUTBOUND_PATTERN if reads_agencies(self.service) else None


EFFECTS: dict[tuple[str, str], str] = {
    **dict.fromkeys(
        [(service, DIRECTORY_EVENTS.name) for service in ("referral", "consent", "notify")],
        "SELECT agency_id AS ident, cardinality(areas) AS versions FROM member_agencies",
    ),
    ("consent", EVIDENCE.name): "SELECT evidence_id AS ident, count(*) AS versions FROM evidence GROUP BY evidence_id",
    ("consent", REFERRAL_EVENTS.name): "SELECT referral_id AS ident, version AS versions FROM referrals",
    ("notify", REFERRAL_EVENTS.name): """
        SELECT referral_id AS ident, array_position(
            ARRAY['submitted', 'awaiting_consent', 'delivered', 'accepted'], state
        ) AS versions FROM followed_referrals
    """,
    ("notify", RECORDS.name): """
        SELECT split_part(about, '.', 1) AS ident, count(DISTINCT about) AS versions
        FROM inbox_items WHERE about <> '' GROUP BY 1
    """,
    ("referral", COVERAGE.name): """
        SELECT referral_id AS ident, count(*) FILTER (WHERE part ->> 'state' = 'covered') AS versions
        FROM referrals LEFT JOIN LATERAL jsonb_array_elements(coverage) AS part ON true GROUP BY referral_id
    """,
    **{
        ("audit", topic.name): """
            SELECT split_part(aggregate, ':', 2) AS ident, max(version) AS versions FROM read_events GROUP BY aggregate
        """
        for topic in consumed_by("audit")
    },
}
"""By service and topic, how many versions of each aggregate have left their mark in the service's own tables."""


@asynccontextmanager
async def stations(postgres: PostgresAccess, folder: Path) -> AsyncIterator[list[Station]]:
    """Open every consumer of the catalogue on a fresh database; what they say stays in their outboxes."""
    async with AsyncExitStack() as stack:
        opened = []
        for service in SERVICES:
            if consumed_by(service):
                database = await asyncio.to_thread(fresh_database, postgres, service)
                stack.push_async_callback(asyncio.to_thread, forget_database, postgres, database)
                opened.append(await stack.enter_async_context(_station(service, database.url, folder)))
        yield opened


async def begin_lane(among: Sequence[Station], topic: Topic) -> Lane:
    """Begin an aggregate of which every consumer of its topic can take every event."""
    for each in among:
        if topic.name in each.begins:
            return await each.begins[topic.name]()
    return golden_lane(topic)


@asynccontextmanager
async def _station(service: str, url: str, folder: Path) -> AsyncIterator[Station]:
    async with AsyncExitStack() as stack:
        if service == "referral":
            yield _referral(await stack.enter_async_context(referral_bench.referral_bench(url)))
        elif service == "consent":
            yield _consent(await stack.enter_async_context(consent_bench.consent_bench(url, folder)))
        else:
            handler = {"notify": notify.batch_handler(), "audit": audit.handle}[service]
            bench = await stack.enter_async_context(service_bench(service, url, handler))
            yield _notify(bench) if service == "notify" else Station(service, bench.database, handler)


def _notify(bench: ServiceBench) -> Station:
    async def lane() -> Lane:
        # Only where somebody is on duty does an obligation leave its mark.
        await bench.handle(Saying().appointed("c-0002", consent_bench.DESK.id))
        ident = IDS.new()
        return Lane(RECORDS, ident, obligations_say(ident))

    return Station("notify", bench.database, bench.handler, {RECORDS.name: lane})


def _referral(bench: referral_bench.Bench) -> Station:
    async def lane() -> Lane:
        manifest, raw = bench.submission()
        await bench.send((referral_bench.CLINIC, raw))
        data = manifest.data
        return Lane(COVERAGE, data.referral_id, coverage_says(data.referral_id, referral_bench.DESK.id, data.sections))

    handler = referral.batch_handler(bench.rules, bench.members)
    return Station("referral", bench.database, handler, {COVERAGE.name: lane}, bench)


def _consent(bench: consent_bench.Bench) -> Station:
    async def lane() -> Lane:
        sent = await bench.sealed_referral()
        return Lane(REFERRAL_EVENTS, sent.id, referral_says(sent.submitted))

    async def of_evidence() -> Lane:
        kept = evidence_of(consent_bench.CLINIC, IDS.new(), IDS.new(), (consent_bench.DESK, consent_bench.NPO))

        def says(version: int) -> EventData:
            given = kept.manifest.data.model_copy(update={"statement_id": f"{kept.id[:40]}.{version}"})
            manifest = kept.manifest.model_copy(update={"data": given, "id": f"{kept.id}.{version}"})
            return replace(kept, manifest=manifest).stored()

        return Lane(EVIDENCE, kept.id, says)

    return Station("consent", bench.database, bench.handler, {REFERRAL_EVENTS.name: lane, EVIDENCE.name: of_evidence})
