"""The service `consent` on a real database without Kafka: batches go in by hand, what it says is read back."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from services import membership
from services.consent.api import router
from services.consent.keystore import FileKeyStore
from services.consent.subscribers import handler
from services.consent.use_cases.custody import Bounds, Custody, DoorBounds
from services.consent.use_cases.due import cover_due
from services.eventing.broker import KafkaAccess, Producer
from services.eventing.database import Database
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.membership import MemberCache
from services.runtime import errors
from services.runtime.identity import Caller, Identity
from tests.builders.agency_messages import IDS, NOW, Handle, SendingAgency
from tests.builders.batches import as_the_consumer
from tests.builders.referral_bench import SetClock
from tests.builders.said import Saying
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.assertions import sign_assertion
from tsunagu_contracts.codes import (
    AgencyKind,
    Area,
    Category,
    CoverageState,
    DeclineReason,
    DisasterAct,
    Field,
    HoldingState,
    KeptUnder,
    ObligationEnd,
    ReferralState,
    RepresentationGround,
    Role,
    ServiceFamily,
    StatementKind,
)
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import CoverageDecided
from tsunagu_contracts.events.directory import AgencyRegistered, AppointmentGranted
from tsunagu_contracts.events.referral import Accountable, ReferralDeclined, ReferralHalted, ReferralSubmitted
from tsunagu_contracts.handles import read_certificate
from tsunagu_contracts.keys import EncryptionKey, PublicKey, SigningKey
from tsunagu_contracts.manifests import ForConsent, RecordStatement, SubmitReferral, sign_manifest
from tsunagu_contracts.sealing import Sealed, seal_person_ref, unwrap_content_key

CLINIC = SendingAgency()
DESK = SendingAgency(id="chiyoda-desk-fujimi", coordinator="c-0002", appointment="ap-0002")
NPO = SendingAgency(id="chiyoda-npo-a", coordinator="c-0003", appointment="ap-0003")
WARD = SendingAgency(id="chiyoda-ward-office", coordinator="c-0090", appointment="ap-0090")
AGENCIES = (CLINIC, DESK, NPO, WARD)
HANDLE_DAYS = 30
ANSWER_DAYS, ASK_DAYS, RENEW_DAYS, REVIEW_DAYS = 14, 60, 30, 150
CARD_DAYS = 90
YEAR = timedelta(days=365)
DOOR = DoorBounds(
    receipt_lifetime=YEAR,
    token_lifetime=timedelta(minutes=10),
    permission_lifetime=timedelta(days=7),
    tries=5,
    locked_for=timedelta(hours=1),
    wrong_a_minute=20,
)

Data = TypeVar("Data", bound=EventData)


@dataclass(frozen=True)
class Sent:
    """A referral as its sender made it: the manifest, the sealed sections, and the event that took it in."""

    manifest: SubmitReferral
    sealed: Sealed
    submitted: ReferralSubmitted

    @property
    def id(self) -> str:
        """The referral's id."""
        return self.manifest.data.referral_id

    def section(self, category: Category) -> str:
        """The id of the section of this category."""
        return next(each.section_id for each in self.sealed.sections if each.category is category)


@dataclass
class Bench:
    """The service's handler, routes, key store and database, and three agencies that use it."""

    database: Database
    handler: Handler
    custody: Custody
    clock: SetClock
    client: httpx.AsyncClient
    saying: Saying = field(default_factory=Saying)
    _heard: int = 0

    @property
    def store(self) -> FileKeyStore:
        """The key store, with its folders."""
        assert isinstance(self.custody.store, FileKeyStore)
        return self.custody.store

    async def handle(self, *said: tuple[str, EventData]) -> None:
        """Hand a batch of other services' events to consent, as the consumer does."""
        self.saying.now = self.clock.now()
        await self.hand_over([self.saying.say(aggregate, data) for aggregate, data in said])

    async def hand_over(self, items: Sequence[Item]) -> None:
        """Hand a batch to consent, as the consumer does."""
        await as_the_consumer(self.database, self.handler, items)

    async def blank_handle(self, agency: SendingAgency = CLINIC) -> Handle:
        """Take one blank handle over HTTP; its key is read from the key store, for tests that need it."""
        answer = await self.client.post("/handles", json={"count": 1}, headers=self.headers(agency))
        assert answer.status_code == 201, answer.text
        certificate = answer.json()["handles"][0]
        handle_id = read_certificate(certificate, self.custody.keys.certifying.public).handle_id
        return Handle(handle_id, (await self.custody.store.load([handle_id]))[handle_id], certificate)

    async def sealed_referral(
        self,
        *,
        sender: SendingAgency = CLINIC,
        handle: Handle | None = None,
        sealed: Sealed | None = None,
        reference: str | None = None,
        **changes: object,
    ) -> Sent:
        """Seal a sound referral from the sender to the desk; `changes` are to the manifest's data."""
        handle = handle or await self.blank_handle(sender)
        sealed = sealed or sender.seal(handle)
        manifest = sender.submission(handle, sealed, self.custody.keys.person_ref.public)
        if reference is not None:
            changes["person_ref"] = self.person_ref(sender, reference)
        manifest = manifest.model_copy(update={"data": manifest.data.model_copy(update=changes)})
        return Sent(manifest, sealed, submitted(manifest, sender, handle))

    async def refer(self, **options: object) -> Sent:
        """Seal a referral as `sealed_referral` and let consent take it in."""
        sent = await self.sealed_referral(**options)  # type: ignore[arg-type]  # the same options, passed on
        await self.take_in(sent)
        return sent

    async def take_in(self, *referrals: Sent) -> None:
        """Let consent take in referrals, in one batch."""
        await self.handle(*((f"referral:{sent.id}", sent.submitted) for sent in referrals))

    async def end(self, sent: Sent, state: ReferralState = ReferralState.DECLINED) -> None:
        """Let `referral` say that a referral was declined, or rests because nothing is covered."""
        data = self.halted(sent) if state is ReferralState.HALTED else self.declined(sent)
        await self.handle((f"referral:{sent.id}", data))

    def declined(self, sent: Sent) -> ReferralDeclined:
        """What `referral` says when the desk declines."""
        facts = {"state": ReferralState.DECLINED, "reason": DeclineReason.NO_CAPACITY}
        return ReferralDeclined.model_validate(sent.submitted.model_dump() | facts)

    def halted(self, sent: Sent) -> ReferralHalted:
        """What `referral` says when nothing is covered any more."""
        facts = {"state": ReferralState.HALTED, "sections": ()}
        return ReferralHalted.model_validate(sent.submitted.model_dump() | facts)

    def statement(
        self,
        sent: Sent,
        kind: StatementKind,
        *categories: Category,
        by: SendingAgency = CLINIC,
        **changes: object,
    ) -> RecordStatement:
        """The manifest of a statement made now, for the desk by name."""
        manifest = by.statement(sent.id, kind, *categories)
        data = {"recipients": (DESK.id,), "stated_at": self.clock.now()} | changes
        return manifest.model_copy(update={"data": manifest.data.model_copy(update=data)})

    async def post_statement(
        self, manifest: RecordStatement, *, by: SendingAgency = CLINIC, subject: str | None = None
    ) -> httpx.Response:
        """Sign a statement and bring it over HTTP."""
        return await self.post("/statements", manifest, by=by, subject=subject)

    async def post(
        self, route: str, manifest: ForConsent, *, by: SendingAgency, subject: str | None = None
    ) -> httpx.Response:
        """Sign what an agency says to consent and bring it over HTTP."""
        return await self.client.post(route, content=by.message(manifest).to_bytes(), headers=self.headers(by, subject))

    async def name_representative(
        self,
        sent: Sent,
        ground: RepresentationGround = RepresentationGround.ADULT_GUARDIAN,
        *,
        by: SendingAgency = CLINIC,
        bounds: Mapping[str, object] = MappingProxyType({}),
    ) -> str:
        """Record a representative who may say everything within these bounds; returns their id."""
        manifest = by.representative(sent.id, ground)
        manifest = manifest.model_copy(update={"data": manifest.data.model_copy(update=bounds)})
        answer = await self.post("/representatives", manifest, by=by)
        assert answer.status_code == 201, answer.text
        return manifest.data.representative_id

    async def owed(self, agency: SendingAgency = DESK) -> list[str]:
        """The open obligations of an agency, as it reads them over HTTP."""
        answer = await self.client.get("/obligations", headers=self.headers(agency))
        assert answer.status_code == 200, answer.text
        return [str(each["obligation_id"]) for each in answer.json()["items"]]

    async def held(self, agency: SendingAgency = DESK) -> list[tuple[Category, HoldingState]]:
        """What an agency has opened and not deleted, and how it stands, as it reads it over HTTP."""
        answer = await self.client.get("/holdings", headers=self.headers(agency))
        assert answer.status_code == 200, answer.text
        return [(Category(each["category"]), HoldingState(each["state"])) for each in answer.json()["items"]]

    async def answer_obligation(
        self,
        obligation_id: str,
        end: Literal[ObligationEnd.DELETED, ObligationEnd.KEPT_BY_LAW],
        *,
        by: SendingAgency = DESK,
        kept_under: KeptUnder | None = None,
    ) -> httpx.Response:
        """Let an agency answer for what it owes."""
        return await self.post("/obligations/answers", by.answer(obligation_id, end, kept_under), by=by)

    async def say_disaster(
        self, disaster_id: str, act: DisasterAct, *areas: Area, by: SendingAgency = WARD
    ) -> httpx.Response:
        """Declare or lift a disaster, a moment after everything before, and cover whom it concerns."""
        self.clock.at += timedelta(seconds=1)
        answer = await self.post("/disasters", by.disaster(disaster_id, act, *areas), by=by)
        await cover_due(self.database, self.custody)
        return answer

    async def say(
        self,
        sent: Sent,
        kind: StatementKind,
        *categories: Category,
        by: SendingAgency = CLINIC,
        **changes: object,
    ) -> httpx.Response:
        """Record a statement that must be accepted, a moment after everything before."""
        self.clock.at += timedelta(seconds=1)
        answer = await self.post_statement(self.statement(sent, kind, *categories, by=by, **changes), by=by)
        assert answer.status_code == 201, answer.text
        return answer

    async def ask(
        self,
        sent: Sent,
        category: Category = Category.HEALTH,
        *,
        by: SendingAgency = DESK,
        subject: str | None = None,
        **changes: str,
    ) -> httpx.Response:
        """Ask for the key of a section over HTTP."""
        wanted = {"referral_id": sent.id, "section_id": sent.section(category)} | changes
        return await self.client.post("/releases", json=wanted, headers=self.headers(by, subject))

    def opened(self, answer: httpx.Response, by: SendingAgency = DESK) -> bytes:
        """The content key that an agency unwraps from a release."""
        assert answer.status_code == 201, answer.text
        return unwrap_content_key(answer.json()["key"], by.encryption).content_key

    async def heard(self, kind: type[Data]) -> list[tuple[Event, Data]]:
        """What consent has said of this kind since this was last asked; other kinds are passed over."""
        query = sa.text("SELECT id, value FROM outbox WHERE id > :heard ORDER BY id")
        async with self.database.reading() as session:
            rows = (await session.execute(query, {"heard": self._heard})).all()
        self._heard = rows[-1].id if rows else self._heard
        events = [decode_event(row.value) for row in rows]
        return [(event, event.data) for event in events if isinstance(event.data, kind)]

    def hear_again(self) -> None:
        """Hear everything from the beginning."""
        self._heard = 0

    async def coverage(self, sent: Sent) -> dict[Category, tuple[CoverageState, str]]:
        """What consent last said of each section: its state and the reason."""
        said = [data for _, data in await self.heard(CoverageDecided) if data.referral_id == sent.id]
        return {each.category: (each.state, each.reason.value) for each in said[-1].sections}

    async def everything(self) -> str:
        """Every row of every table as text, byte columns decoded."""
        parts: list[str] = []
        async with self.database.reading() as session:
            names = await session.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            for name in names.all():
                for row in await session.execute(sa.text(f'SELECT * FROM "{name}"')):  # noqa: S608
                    parts += [
                        value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in row
                    ]
        return "\n".join(parts)

    def person_ref(self, sender: SendingAgency, reference: str) -> str:
        """Seal a sender's own reference for a person to consent."""
        return seal_person_ref(sender.id, reference, self.custody.keys.person_ref.public)

    def caller(self, agency: SendingAgency) -> Caller:
        """The agency's coordinator as the routes see them, vouched for by the agency."""
        return Caller(Actor.coordinator(agency.coordinator), agency.id)

    def headers(self, agency: SendingAgency, subject: str | None = None) -> dict[str, str]:
        """The headers of a write by the agency's coordinator, or by another subject it vouches for."""
        token = sign_assertion(
            agency.id,
            subject or f"coordinator:{agency.coordinator}",
            agency.signing,
            now=self.clock.now(),
            ids=IDS,
        )
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": IDS.new()}


def submitted(manifest: SubmitReferral, signer: SendingAgency, handle: Handle) -> ReferralSubmitted:
    """What `referral` says of a manifest that this agency has signed."""
    data = manifest.data
    return ReferralSubmitted(
        referral_id=data.referral_id,
        state=ReferralState.SUBMITTED,
        sender=manifest.agency_id,
        addressee=DESK.id,
        handle_id=handle.id,
        purpose=data.purpose,
        area=data.area,
        urgency=data.urgency,
        accountable=Accountable(
            agency_id=manifest.agency_id,
            coordinator_id=manifest.coordinator_id,
            appointment_id=manifest.appointment,
        ),
        message_id=manifest.id,
        manifest=sign_manifest(manifest, signer.signing),
        service_family=data.service_family,
        language=data.language,
        routed_by="named",
        sections=data.sections,
    )


def resigned(sent: Sent, signer: SendingAgency, **facts: object) -> Sent:
    """The same referral with its manifest signed by another key, or with other facts in the event."""
    manifest = sign_manifest(sent.manifest, signer.signing)
    return replace(sent, submitted=sent.submitted.model_copy(update={"manifest": manifest} | facts))


def membership_of(agencies: Sequence[SendingAgency]) -> list[tuple[str, EventData]]:
    """The directory's events that register these agencies and appoint their coordinators for two years."""
    said: list[tuple[str, EventData]] = []
    for agency in agencies:
        registered = AgencyRegistered(
            agency_id=agency.id,
            kind=AgencyKind.WARD_OFFICE if agency is WARD else AgencyKind.NPO,
            areas=(Area.FUJIMI,),
            desk_for=(Area.FUJIMI,) if agency is DESK else (),
            service_families=(ServiceFamily.DAILY_LIFE,),
            signing_key=agency.signing.public.jwk(),
            encryption_key=agency.encryption.public.jwk(),
        )
        appointed = AppointmentGranted(
            appointment_id=agency.appointment,
            coordinator_id=agency.coordinator,
            agency_id=agency.id,
            role=Role.SUPERVISOR if agency is WARD else Role.CSW,
            field=Field.COMMUNITY,
            areas=(Area.FUJIMI,),
            valid_from=NOW - YEAR,
            valid_until=NOW + YEAR,
            granted_by="operator:o-1",
        )
        said += [(f"agency:{agency.id}", registered), (f"appointment:{agency.appointment}", appointed)]
    return said


@asynccontextmanager
async def consent_bench(url: str, folder: Path) -> AsyncIterator[Bench]:
    """Open a bench on a fresh database and an empty key store; what consent says stays in the outbox."""
    keys = {
        "handles": SigningKey.generate().private_jwk(),
        "person_ref": EncryptionKey.generate().private_jwk(),
    }
    (folder / "service_keys.json").write_text(json.dumps(keys))
    clock = SetClock()
    custody = Custody(
        FileKeyStore(folder),
        Bounds(
            handle_lifetime=timedelta(days=HANDLE_DAYS),
            clock_tolerance=timedelta(seconds=2),
            answer_within=timedelta(days=ANSWER_DAYS),
            case_within=timedelta(days=ANSWER_DAYS),
            door=DOOR,
            card_lifetime=timedelta(days=CARD_DAYS),
            ask_within=timedelta(days=ASK_DAYS),
            renew_within=timedelta(days=RENEW_DAYS),
            review_every=timedelta(days=REVIEW_DAYS),
        ),
        clock,
    )
    await custody.open()
    producer = Producer(KafkaAccess("127.0.0.1:1", "nobody", "nothing"), "bench")
    database = Database(url, source="consent", clock=clock, ids=IDS, producer=producer)
    app = FastAPI()

    async def signing_key(agency_id: str, /) -> PublicKey | None:
        async with database.reading() as session:
            found = await membership.agency(session, agency_id)
        return found.keys.signing if found else None

    app.state.identity = Identity(issuer_url="http://127.0.0.1:1", agency_signing_key=signing_key, clock=clock)
    errors.install(app)
    app.include_router(router(database, custody))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://consent") as client:
        bench = Bench(database, handler(custody, MemberCache()), custody, clock, client)
        try:
            await bench.handle(*membership_of(AGENCIES))
            yield bench
        finally:
            # Not `close`: it would wait for Kafka, of which there is none here.
            await database.engine.dispose()
