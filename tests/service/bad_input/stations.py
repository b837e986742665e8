"""The consumers of the catalogue, each with its real handler on a database of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.audit import subscribers as audit
from services.consent import subscribers as consent
from services.eventing.database import Database
from services.eventing.processing import Handler
from services.notify import subscribers as notify
from services.referral import subscribers as referral
from tests.builders import consent_bench, referral_bench
from tests.builders.service_bench import service_bench
from tests.service.bad_input.lanes import Lane, coverage_says, golden_lane, referral_says
from tsunagu_contracts.topics import (
    AGENCY_OUTBOUND_PATTERN,
    COVERAGE,
    DIRECTORY_EVENTS,
    REFERRAL_EVENTS,
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


@dataclass(frozen=True)
class Station:
    """One service as it consumes; `lane` begins a new aggregate of which the service can take every event.

    `messages` is where sound messages of agencies come from, in the service that reads them.
    """

    service: str
    database: Database
    handler: Handler
    lane: Callable[[Topic], Awaitable[Lane]]
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
    ("consent", REFERRAL_EVENTS.name): "SELECT referral_id AS ident, version AS versions FROM referrals",
    ("notify", REFERRAL_EVENTS.name): """
        SELECT referral_id AS ident, array_position(
            ARRAY['submitted', 'awaiting_consent', 'delivered', 'accepted'], state
        ) AS versions FROM followed_referrals
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


async def _golden_lane(topic: Topic) -> Lane:
    return golden_lane(topic)


@asynccontextmanager
async def station(service: str, url: str, folder: Path) -> AsyncIterator[Station]:
    """Open one service on a fresh database; what it says stays in the outbox."""
    async with AsyncExitStack() as stack:
        if service == "referral":
            yield _referral(await stack.enter_async_context(referral_bench.referral_bench(url)))
        elif service == "consent":
            yield _consent(await stack.enter_async_context(consent_bench.consent_bench(url, folder)))
        else:
            handler = {"notify": notify.handle, "audit": audit.handle}[service]
            bench = await stack.enter_async_context(service_bench(service, url, handler))
            yield Station(service, bench.database, handler, _golden_lane)


def _referral(bench: referral_bench.Bench) -> Station:
    async def lane(topic: Topic) -> Lane:
        if topic is not COVERAGE:
            return golden_lane(topic)
        manifest, raw = bench.submission()
        await bench.send((referral_bench.CLINIC, raw))
        data = manifest.data
        return Lane(topic, data.referral_id, coverage_says(data.referral_id, referral_bench.DESK.id, data.sections))

    return Station("referral", bench.database, referral.batch_handler(bench.rules), lane, bench)


def _consent(bench: consent_bench.Bench) -> Station:
    async def lane(topic: Topic) -> Lane:
        if topic is not REFERRAL_EVENTS:
            return golden_lane(topic)
        sent = await bench.sealed_referral()
        return Lane(topic, sent.id, referral_says(sent.submitted))

    return Station("consent", bench.database, consent.handler(bench.custody), lane)
