"""The service `referral` on a real database without Kafka: batches go in by hand, what it says is read back."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from services.eventing.broker import KafkaAccess, Producer
from services.eventing.database import Database
from services.eventing.records import Item, Record
from services.membership import MemberCache
from services.referral.api import router
from services.referral.domain.checking import Rules
from services.referral.storage.tables import bodies, referrals
from services.referral.subscribers import batch_handler
from services.runtime import errors
from services.runtime.identity import Caller, Identity, caller
from tests.builders.agency_messages import IDS, NOW, Consent, SendingAgency
from tests.builders.batches import as_the_consumer
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.assertions import sign_assertion
from tsunagu_contracts.codes import AgencyKind, Area, CoverageState, DecisionReason, Field, Role, ServiceFamily
from tsunagu_contracts.envelope import Event, decode_event, encode_event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import CoverageDecided
from tsunagu_contracts.events.directory import AgencyRegistered, AppointmentGranted
from tsunagu_contracts.events.referral import SectionCoverage
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.limits import Limits
from tsunagu_contracts.manifests import SubmitReferral
from tsunagu_contracts.topics import agency_outbound, topic_of

LIMITS = Limits(body=8 * 1024, message=64 * 1024)
CLINIC = SendingAgency()
DESK = SendingAgency(id="chiyoda-desk-fujimi", coordinator="c-0002", appointment="ap-0002")
NPO = SendingAgency(id="chiyoda-npo-a", coordinator="c-0003", appointment="ap-0003")


@dataclass
class SetClock:
    """A clock that stands until it is set."""

    at: datetime = NOW

    def now(self) -> datetime:
        """Tell the time it was set to."""
        return self.at


@dataclass(frozen=True)
class Said:
    """One message that the service put into its outbox."""

    topic: str
    key: str
    value: bytes

    @property
    def event(self) -> Event:
        """The event on a topic of services, or inside a message to an agency."""
        if self.topic.startswith("agency."):
            return InboundMessage.parse(self.value).event
        return decode_event(self.value)

    @property
    def bodies(self) -> Mapping[str, str]:
        """The bodies in a message to an agency."""
        return InboundMessage.parse(self.value).bodies


@dataclass
class Bench:
    """The service's handler, routes and database, and three agencies that use it."""

    database: Database
    consent: Consent = field(default_factory=Consent)
    clock: SetClock = field(default_factory=SetClock)
    agencies: tuple[SendingAgency, ...] = (CLINIC, DESK, NPO)
    members: MemberCache = field(default_factory=MemberCache)
    _offset: int = 0
    _heard: int = 0

    @property
    def rules(self) -> Rules:
        """What the service checks messages against."""
        return Rules(self.consent.signing.public, LIMITS)

    async def enrol(self) -> None:
        """Register the agencies and appoint their coordinators, for a year that has begun."""
        events: list[tuple[str, EventData]] = []
        for agency in self.agencies:
            desk = (Area.FUJIMI,) if agency is DESK else ()
            registered = AgencyRegistered(
                agency_id=agency.id,
                kind=AgencyKind.NPO,
                areas=(Area.FUJIMI,),
                desk_for=desk,
                service_families=(ServiceFamily.DAILY_LIFE,),
                signing_key=agency.signing.public.jwk(),
                encryption_key=agency.encryption.public.jwk(),
            )
            events.append((f"agency:{agency.id}", registered))
        await self.handle([self._item_of_event(aggregate, data) for aggregate, data in events])
        since = self.clock.at
        self.clock.at = since - timedelta(days=30)
        for agency in self.agencies:
            await self.appoint(agency.appointment, agency.coordinator, agency)
        self.clock.at = since

    async def handle(self, items: Sequence[Item]) -> None:
        """Hand a batch to the service, as the consumer does."""
        await as_the_consumer(self.database, batch_handler(self.rules, self.members), items)

    async def send(self, *messages: tuple[SendingAgency, bytes]) -> None:
        """Hand over a batch of messages, each on the topic of the agency beside it."""
        await self.handle([self._item(agency_outbound(agency.id), None, raw) for agency, raw in messages])

    async def decide_coverage(self, manifest: SubmitReferral, *states: CoverageState, version: int = 1) -> None:
        """Let `consent` say of the sections, in order, which are covered."""
        await self.decide_coverages([manifest], *states, version=version)

    async def decide_coverages(
        self, manifests: Sequence[SubmitReferral], *states: CoverageState, version: int = 1
    ) -> None:
        """Let `consent` say the same of several referrals in one batch."""
        await self.handle(
            [
                self._item_of_event(f"coverage:{data.referral_id}", data, version)
                for data in (self._coverage(manifest, states) for manifest in manifests)
            ]
        )

    @staticmethod
    def _coverage(manifest: SubmitReferral, states: Sequence[CoverageState]) -> CoverageDecided:
        sections = tuple(
            SectionCoverage(
                section_id=section.section_id,
                category=section.category,
                state=state,
                reason=DecisionReason.GRANTED if state is CoverageState.COVERED else DecisionReason.NO_STATEMENT,
            )
            for section, state in zip(manifest.data.sections, states, strict=True)
        )
        return CoverageDecided(referral_id=manifest.data.referral_id, addressee=DESK.id, sections=sections)

    def submission(self, **changes: object) -> tuple[SubmitReferral, bytes]:
        """Make a sound referral of the clinic to the desk: the manifest and the message's bytes."""
        handle = self.consent.handle_for(CLINIC.id)
        sealed = CLINIC.seal(handle)
        manifest = CLINIC.submission(handle, sealed, self.consent.encryption.public)
        manifest = manifest.model_copy(update={"data": manifest.data.model_copy(update=changes)})
        return manifest, CLINIC.message(manifest, sealed).to_bytes()

    async def heard(self) -> list[Said]:
        """Return what the service has said since this was last asked."""
        query = sa.text("SELECT id, topic, key, value FROM outbox WHERE id > :heard ORDER BY id")
        async with self.database.reading() as session:
            rows = (await session.execute(query, {"heard": self._heard})).all()
        if rows:
            self._heard = rows[-1].id
        return [Said(row.topic, row.key, row.value) for row in rows]

    async def count(self) -> tuple[int, int]:
        """Count the referrals and the bodies that are kept."""
        async with self.database.reading() as session:
            return (
                await session.scalar(sa.select(sa.func.count()).select_from(referrals)) or 0,
                await session.scalar(sa.select(sa.func.count()).select_from(bodies)) or 0,
            )

    async def appoint(self, appointment_id: str, coordinator_id: str, agency: SendingAgency) -> None:
        """Appoint a coordinator at an agency, from now on for a year."""
        data = AppointmentGranted(
            appointment_id=appointment_id,
            coordinator_id=coordinator_id,
            agency_id=agency.id,
            role=Role.CSW,
            field=Field.COMMUNITY,
            areas=(Area.FUJIMI,),
            valid_from=self.clock.now(),
            valid_until=self.clock.now() + timedelta(days=365),
            granted_by="operator:o-1",
        )
        await self.handle([self._item_of_event(f"appointment:{appointment_id}", data)])

    def http(self, signed_in: Actor | None = None) -> httpx.AsyncClient:
        """Return a client of the service's routes; `signed_in` calls with a token of the OpenID provider."""
        app = FastAPI()
        if signed_in is not None:
            app.dependency_overrides[caller] = lambda: Caller(signed_in, None)

        async def signing_key(agency_id: str, /) -> PublicKey | None:
            return next((agency.signing.public for agency in self.agencies if agency.id == agency_id), None)

        app.state.identity = Identity(issuer_url="http://127.0.0.1:1", agency_signing_key=signing_key, clock=self.clock)
        errors.install(app)
        app.include_router(router(self.database, self.rules, self.clock, self.members))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://referral")

    def headers(self, agency: SendingAgency, subject: str | None = None) -> dict[str, str]:
        """Return the headers of a write by the agency's coordinator, or by another subject."""
        token = sign_assertion(
            agency.id,
            subject or f"coordinator:{agency.coordinator}",
            agency.signing,
            now=self.clock.now(),
            ids=IDS,
        )
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": IDS.new()}

    def _item_of_event(self, aggregate: str, data: EventData, version: int = 1) -> Item:
        event = Event(
            id=IDS.new(),
            source="tsunagu/consent" if isinstance(data, CoverageDecided) else "tsunagu/directory",
            type=data.TYPE,
            time=self.clock.now(),
            aggregate=aggregate,
            version=version,
            previous=None,
            actor=str(Actor.system("consent")),
            data=data,
        )
        return self._item(topic_of(type(data)).name, event, encode_event(event))

    def _item(self, topic: str, event: Event | None, raw: bytes) -> Item:
        self._offset += 1
        return Item(Record(topic, 0, self._offset, None, raw, (), 0), event)


@asynccontextmanager
async def referral_bench(url: str) -> AsyncIterator[Bench]:
    """Open a bench on a fresh database of the service; what it says stays in the outbox."""
    clock = SetClock()
    producer = Producer(KafkaAccess("127.0.0.1:1", "nobody", "nothing"), "bench")
    database = Database(url, source="referral", clock=clock, ids=IDS, producer=producer)
    bench = Bench(database, clock=clock)
    try:
        await bench.enrol()
        yield bench
    finally:
        # Not `close`: it would wait for Kafka, of which there is none here.
        await database.engine.dispose()
