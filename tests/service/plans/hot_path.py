"""Referrals on their way through four services; what one says is handed to the others as Kafka would."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import asyncpg
from aiokafka import TopicPartition
from fastapi import APIRouter

from deploy.access import PostgresAccess
from deploy.provisioning.databases import connect
from services.audit import app as audit
from services.audit.settings import AuditSettings
from services.consent.use_cases import cases, erasures, restoring
from services.consent.use_cases.asking_in_time import ask_again, remind_and_lapse
from services.consent.use_cases.due import cover_due
from services.consent.use_cases.obligations import notice_overdue
from services.eventing import outbox, parked_watch, parking, positions
from services.eventing.broker import KafkaAccess, Producer
from services.eventing.database import Database
from services.eventing.positions import Positions
from services.eventing.processing import Handler, Processor
from services.eventing.records import Record
from services.notify import app as notify
from services.notify.settings import NotifySettings
from services.referral import app as referral
from services.referral.settings import ReferralSettings
from services.referral.use_cases.keeping import delete_due_bodies
from services.runtime.app import Parts, Service
from tests.builders import joining
from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.asking import answer_review, ask, open_requests, report
from tests.builders.consent_bench import (
    AGENCIES,
    ANSWER_DAYS,
    CLINIC,
    DESK,
    WARD,
    Bench,
    Sent,
    consent_bench,
    membership_of,
)
from tests.builders.erasing import OutboxLog, erasure
from tests.builders.receipts import Door, revoking
from tests.builders.said import Saying
from tests.builders.service_bench import ServiceBench, SetClock
from tests.builders.wishes import answering, disclosure, opening
from tsunagu_contracts.codes import (
    Area,
    Category,
    DeclineReason,
    ObligationEnd,
    Outcome,
    PersonChange,
    ProvisionSide,
    ReferralAct,
    StatementKind,
)
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.manifests import ProvisionsRecorded, RecordKept, ReportProvisions
from tsunagu_contracts.topics import agency_of_outbound, agency_outbound, consumed_by

SERVICES = ("referral", "consent", "notify", "audit")


@dataclass
class Station:
    """One service: where batches go in, and what it has said that nobody has been handed yet."""

    service: str
    database: Database
    processor: Processor
    outbox: asyncpg.Connection
    heard: int

    @classmethod
    async def of(cls, service: str, database: Database, handler: Handler, outbox: asyncpg.Connection) -> "Station":
        """Begin after what its outbox already holds."""
        heeded = frozenset(topic.name for topic in consumed_by(service))
        processor = Processor(database, handler, heeded, service, raw=service == "audit")
        return cls(service, database, processor, outbox, await outbox.fetchval("SELECT max(id) FROM outbox"))

    def reads(self, topic: str) -> bool:
        """Whether records of this topic are for this service."""
        if self.service == "referral" and agency_of_outbound(topic):
            return True
        return topic in {each.name for each in consumed_by(self.service)}

    async def take(self, records: Sequence[Record]) -> None:
        """Process a batch as the consumer does."""
        nexts = {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
        believed = Positions()
        async with self.database.engine.connect() as connection:
            await believed.load(connection, nexts)
        await self.processor.process(records, nexts, believed)

    async def replay(self) -> None:
        """Try again what is parked and may go on."""
        async with self.database.reading() as session:
            lanes = await parking.releasable(session)
        for lane in lanes:
            await self.processor.replay(lane)

    async def said(self) -> list[asyncpg.Record]:
        """The rows of the outbox since this was last asked, read past the service's own connections."""
        rows = await self.outbox.fetch("SELECT * FROM outbox WHERE id > $1 ORDER BY id", self.heard)
        self.heard = rows[-1]["id"] if rows else self.heard
        return rows


@dataclass
class HotPath:
    """The four services, and agencies that send and act."""

    stations: Mapping[str, Station]
    benches: Mapping[str, ServiceBench]
    routers: Mapping[str, APIRouter]
    consent: Bench
    directory: Saying = field(default_factory=Saying)
    _offsets: Counter[str] = field(default_factory=Counter)

    async def go(self) -> None:
        """Let each thing that happens on the hot path happen."""
        await self.enrol()
        sent = [await self.consent.sealed_referral(reference=f"karte-{number % 5}") for number in range(8)]
        await self.submit(sent)
        await self.speak(sent)
        await self.join(sent[1], sent[2])
        await self.ask_for_keys(sent)
        await self.act(sent)
        await self.look_at_inboxes()
        await self.wait_for_a_cause()
        await self.repeat()
        for station in self.stations.values():
            await relay(station.database)
        async with self.stations["referral"].database.work() as work:
            await delete_due_bodies(work, timedelta(days=30))
        await self.ask_persons(sent[5:7])
        await self.leave_unanswered(sent[2])
        await self.pump()
        await self.keep_books(sent[1])
        await self.come_to_the_door(sent[1])
        await self.erase()

    async def enrol(self) -> None:
        """Let the directory tell of the agencies, of coordinators, one of whom leaves, and of an auditor."""
        said = [self.directory.say(aggregate, data) for aggregate, data in membership_of(AGENCIES)]
        left = self.directory.appointed("c-0009", DESK.id)
        said += [left, self.directory.mandated("au-0001", (DESK.id,))]
        await self.pump(item.record for item in said)
        await self.pump([self.directory.ended(left, NOW).record])

    async def submit(self, sent: Sequence[Sent]) -> None:
        """Let the clinic send referrals in one batch, and the first of them twice."""
        messages = [CLINIC.message(each.manifest, each.sealed).to_bytes() for each in sent]
        await self.send(CLINIC, *messages)
        await self.send(CLINIC, messages[0], b"no message")

    async def speak(self, sent: Sequence[Sent]) -> None:
        """Let persons and a guardian grant, refuse, confirm and withdraw, an agency countersign, and a period end."""
        for each in sent[:5]:
            await self.consent.say(each, StatementKind.GRANT, Category.HEALTH, Category.CONTACT)
        await self.pump()
        again = self.consent.statement(sent[0], StatementKind.REFUSE, Category.NARRATIVE)
        for _ in range(2):
            await self.consent.post_statement(again)
        await self.consent.say(sent[4], StatementKind.WITHDRAW, Category.HEALTH, Category.CONTACT)
        guardian = await self.consent.name_representative(sent[3])
        granted = await self.consent.say(
            sent[3],
            StatementKind.GRANT,
            Category.NARRATIVE,
            representative=guardian,
            valid_until=self.consent.clock.now() + timedelta(days=1),
            disaster_in=Area.FUJIMI,
        )
        statement_id = granted.json()["statement_id"]
        await self.consent.say(sent[3], StatementKind.CONFIRM, Category.NARRATIVE, confirms=statement_id)
        signed = DESK.countersignature(sent[3].id, statement_id)
        for _ in range(2):
            (await self.consent.post("/countersignatures", signed, by=DESK)).raise_for_status()
        await self.consent.client.get(f"/statements/{statement_id}", headers=self.consent.headers(DESK))
        await cover_due(self.consent.database, self.consent.custody)
        await self.pump()

    async def join(self, one: Sent, other: Sent) -> None:
        """Let two records be joined by a card and by a word, and the mistake be looked at and undone."""
        manifests = [
            joining.joining_by_card(self.consent, CLINIC, one, await joining.card_of(self.consent, other)),
            joining.joining_by_word(self.consent, CLINIC, one, other),
        ]
        for manifest in manifests:
            (await joining.join(self.consent, manifest, by=CLINIC)).raise_for_status()
        await self.consent.ask(one, Category.HEALTH)
        for manifest in manifests:
            (await joining.preview(self.consent, manifest.data.join_id, by=DESK)).raise_for_status()
            undone = joining.unjoining(CLINIC, manifest.data.join_id)
            (await joining.undo(self.consent, undone, by=CLINIC)).raise_for_status()
        await self.pump()

    async def ask_for_keys(self, sent: Sequence[Sent]) -> None:
        """Let the desk open a section, be refused another, and look at what is covered."""
        for category in (Category.HEALTH, Category.IDENTITY):
            await self.consent.ask(sent[0], category)
        await self.consent.client.get(f"/coverage/{sent[0].id}", headers=self.consent.headers(DESK))
        asked = {"referral_id": sent[0].id}
        for wanted in (asked, asked | {"at": self.consent.clock.now().isoformat()}):
            await self.consent.client.post("/decisions", json=wanted, headers=self.consent.headers(DESK))
        await self.consent.say(sent[0], StatementKind.WITHDRAW, Category.HEALTH)
        owed = await self.consent.owed(DESK)
        await self.consent.held(DESK)
        for _ in range(2):
            await self.consent.answer_obligation(owed[0], ObligationEnd.DELETED)
        await self.pump()

    async def ask_persons(self, sent: Sequence[Sent]) -> None:
        """Let the desk ask, the person answer once and not the other time, a life change, and a grant end soon."""
        for each in sent:
            await ask(self.consent, each, Category.HEALTH)
        until = self.consent.clock.now() + timedelta(days=20)
        await self.consent.say(sent[0], StatementKind.GRANT, Category.HEALTH, valid_until=until)
        await report(self.consent, sent[0], PersonChange.MOVED_AWAY)
        for review in (await open_requests(self.consent))[-1:] * 2:
            await answer_review(self.consent, str(review["request_id"]))
        for days in (6, 5):
            self.consent.clock.at += timedelta(days=days)
            await remind_and_lapse(self.consent.database)
            await ask_again(self.consent.database, self.consent.custody)
        await self.pump()

    async def leave_unanswered(self, sent: Sent) -> None:
        """Let the person take back what the desk has opened, and the desk not answer in time."""
        await self.consent.ask(sent, Category.HEALTH)
        await self.consent.say(sent, StatementKind.WITHDRAW, Category.HEALTH)
        self.consent.clock.at += timedelta(days=ANSWER_DAYS)
        await notice_overdue(self.consent.database)

    async def come_to_the_door(self, sent: Sent) -> None:
        """Let a person get a receipt, err, set a secret, look, limit and withdraw, and the receipt be lost."""
        door = Door(self.consent)
        receipt = await door.receipt(sent)
        await door.exchange("wrong")
        token = await door.with_secret(receipt)
        (await door.view(token)).raise_for_status()
        (await door.limit(token, ["finance"], [])).raise_for_status()
        (await door.withdraw(token)).raise_for_status()
        lost = revoking(self.consent, sent, receipt.receipt_id)
        (await self.consent.post("/receipts/revocations", lost, by=CLINIC)).raise_for_status()

    async def erase(self) -> None:
        """Let a person be erased, say it twice, destroy the keys, and look at everything as a start does."""
        bench = self.consent
        sent = await bench.sealed_referral(sender=WARD, reference="erased")
        await self.send(WARD, WARD.message(sent.manifest, sent.sealed).to_bytes())
        manifest = erasure(sent)
        for _ in range(2):
            (await bench.post("/erasures", manifest, by=WARD)).raise_for_status()
        await erasures.destroy_due(bench.database, bench.custody)
        await restoring.begin(bench.database, bench.custody, OutboxLog(()), asyncio.Event())

    async def keep_books(self, sent: Sent) -> None:
        """Let agencies record and report openings and disclosures, answer a request late, and ask what is missing."""
        consent, now = self.consent, self.consent.clock.now()
        for manifest, route in (
            (disclosure(CLINIC, consent, sent), "/disclosures"),
            (opening(CLINIC, consent, sent), "/cases"),
        ):
            for _ in range(2):
                (await consent.post(route, manifest, by=CLINIC)).raise_for_status()
        consent.clock.at += timedelta(days=ANSWER_DAYS)
        await cases.notice_overdue(consent.database)
        for route in ("/provisions", "/disclosures", "/cases"):
            (await consent.client.get(route, headers=consent.headers(CLINIC))).raise_for_status()
        for agency in (CLINIC, DESK):
            found = await consent.client.get("/cases", headers=consent.headers(agency))
            for part in found.json()["items"]:
                for _ in range(2):
                    answer = answering(agency, part["part_id"])
                    (await consent.post("/cases/answers", answer, by=agency)).raise_for_status()
        await self.pump()
        bench = self.benches["audit"]
        async with bench.http(self.routers["audit"]) as audit:
            report = ReportProvisions(
                id=IDS.new(),
                source=f"agency/{CLINIC.id}",
                time=now,
                actor=f"coordinator:{CLINIC.coordinator}",
                appointment=CLINIC.appointment,
                data=ProvisionsRecorded(
                    side=ProvisionSide.PROVIDED, records=(RecordKept(release_id=sent.id, digest=digest(sent.id)),)
                ),
            )
            for actor in (f"coordinator:{CLINIC.coordinator}", "auditor:au-0001"):
                bench.call_as(actor, None if "auditor" in actor else CLINIC.id)
                if "auditor" not in actor:
                    content = CLINIC.message(report).to_bytes()
                    headers = {"Idempotency-Key": IDS.new()}
                    (await audit.post("/provision-records", content=content, headers=headers)).raise_for_status()
                for route in ("gaps", "unplaced"):
                    (await audit.get(f"/provision-records/{route}")).raise_for_status()
        await self.pump()

    async def act(self, sent: Sequence[Sent]) -> None:
        """Let the desk look, accept, complete and decline, over HTTP and Kafka."""
        bench = self.benches["referral"]
        bench.call_as(f"coordinator:{DESK.coordinator}", DESK.id)
        async with bench.http(self.routers["referral"]) as desk:
            for query in ({}, {"state": "delivered", "after": sent[0].id}):
                (await desk.get("/referrals", params=query)).raise_for_status()
            (await desk.get(f"/referrals/{sent[0].id}/delivery")).raise_for_status()
            versions = [(await desk.get(f"/referrals/{each.id}")).json()["version"] for each in sent[:4]]
            decided = (*[ReferralAct.ACCEPT] * 3, ReferralAct.DECLINE)
            acts = [
                _act(DESK, each, act, version) for each, act, version in zip(sent[:4], decided, versions, strict=True)
            ]
            headers = {"Idempotency-Key": sent[0].id}
            (await desk.post("/messages", content=acts[0], headers=headers)).raise_for_status()
        await self.send(DESK, *acts[1:])
        await self.send(DESK, _act(DESK, sent[1], ReferralAct.COMPLETE, versions[1] + 1))

    async def look_at_inboxes(self) -> None:
        """Let a coordinator list, follow and acknowledge what waits."""
        bench = self.benches["notify"]
        bench.call_as(f"coordinator:{DESK.coordinator}")
        async with bench.http(self.routers["notify"]) as http:
            for query in ({}, {"unseen": True, "cursor": 1_000_000}):
                items = (await http.get("/inbox", params=query)).raise_for_status().json()["items"]
            for key in ("first", "again"):
                seen = f"/inbox/{items[0]['notification_id']}/acknowledge"
                (await http.post(seen, headers={"Idempotency-Key": key})).raise_for_status()
            (await http.get("/inbox/stream", params={"after": 0})).raise_for_status()
        await self.pump()

    async def wait_for_a_cause(self) -> None:
        """Let an event come before its cause, and behind it one after a gap, then the cause, and try both again."""
        early = await self.consent.sealed_referral()
        cause = Cause("appointment:ap-late", 1)
        submitted = self.directory.say(f"referral:{early.id}", early.submitted, cause=cause)
        _lost, behind = [self.directory.say(f"referral:{early.id}", self.consent.declined(early)) for _ in range(2)]
        for item in (submitted, behind):
            await self.pump([item.record])
        await self.pump([self.directory.appointed("c-0010", DESK.id, appointment_id="ap-late").record])
        for station in self.stations.values():
            await station.replay()
        await self.pump()

    async def repeat(self) -> None:
        """Let bytes that are no event come to all who read the topic, and to `audit` twice."""
        no_event = self._placed(Record("referral.events", 0, 0, "nobody", b"no event", (), 0))
        for station in (*self.stations.values(), self.stations["audit"]):
            if station.reads(no_event.topic):
                await station.take([no_event])

    async def send(self, agency: SendingAgency, *messages: bytes) -> None:
        """Put an agency's messages on its topic."""
        topic = agency_outbound(agency.id)
        await self.pump(Record(topic, 0, 0, None, message, (), 0) for message in messages)

    async def pump(self, records: Iterable[Record] = ()) -> None:
        """Hand records, and whatever services say because of them, to those who read them, until nobody says more."""
        waiting = [self._placed(record) for record in records]
        while True:
            for station in self.stations.values():
                if own := [record for record in waiting if station.reads(record.topic)]:
                    await station.take(own)
            said = [row for station in self.stations.values() for row in await station.said()]
            if not said:
                return
            waiting = [
                self._placed(Record(row["topic"], 0, 0, row["key"], row["value"], (), 0, row["key"].encode()))
                for row in said
            ]

    def _placed(self, record: Record) -> Record:
        self._offsets[record.topic] += 1
        return replace(record, offset=self._offsets[record.topic])


async def relay(database: Database) -> None:
    """What runs beside the batches: look for what was left behind, mark it, forget what is old, and count."""
    async with database.engine.begin() as connection:
        due = await outbox.due(connection, grace=timedelta(0), limit=500)
        ids = [row.id for row in due]
        await outbox.load(connection, ids)
        await outbox.mark_published(connection, ids)
        await outbox.oldest_age(connection)
        await outbox.prune(connection, keep=timedelta(days=1), limit=5_000)
        await positions.all_positions(connection)
    async with database.reading() as session:
        await parked_watch.count(session)


def _act(agency: SendingAgency, sent: Sent, act: ReferralAct, version: int) -> bytes:
    manifest = agency.act(sent.id, ReferralAct.ACCEPT, expected_version=version)
    codes = {
        "act": act,
        "reason": DeclineReason.NO_CAPACITY if act is ReferralAct.DECLINE else None,
        "outcome": Outcome.HELPED_IN_FULL if act is ReferralAct.COMPLETE else None,
    }
    data = manifest.data.model_copy(update=codes)
    return agency.message(manifest.model_copy(update={"data": data})).to_bytes()


@asynccontextmanager
async def hot_path(
    admin: PostgresAccess, databases: Mapping[str, PostgresAccess], folder: Path
) -> AsyncIterator[HotPath]:
    """Open the four services on their databases, without Kafka."""
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(consent_bench(databases["consent"].url, folder))
        opened = {"consent": (bench.database, bench.handler)}
        benches: dict[str, ServiceBench] = {}
        routers: dict[str, APIRouter] = {}
        for name, compose in _composing(bench, folder).items():
            clock, producer = SetClock(), Producer(KafkaAccess("127.0.0.1:1", "nobody", "nothing"), "bench")
            database = Database(databases[name].url, source=name, clock=clock, ids=IDS, producer=producer)
            # Not `close`: it would wait for Kafka.
            stack.push_async_callback(database.engine.dispose)
            service = compose(Parts(database, clock, IDS))
            assert service.handler is not None
            opened[name] = (database, service.handler)
            benches[name] = ServiceBench(database, service.handler, clock)
            [routers[name]] = service.routers
        stations = {}
        for name in SERVICES:
            beside = admin.as_role(admin.username, admin.password, databases[name].database)
            connection = await stack.enter_async_context(connect(beside))
            stations[name] = await Station.of(name, *opened[name], connection)
        yield HotPath(stations, benches, routers, bench)


def _composing(bench: Bench, folder: Path) -> dict[str, Callable[[Parts], Service]]:
    """How each service is put together, by its own composition root."""
    trust = folder / "trust.json"
    trust.write_text(json.dumps({"handles": bench.custody.keys.certifying.public.jwk()}))
    # Of the settings of a process, those of its surroundings mean nothing here.
    unused = ("database_url", "kafka_bootstrap", "kafka_username", "kafka_password", "issuer_url")
    told = {**dict.fromkeys(unused, ""), "http_port": 0, "trust_file": trust, "stream_ends_after_seconds": 0.1}
    return {
        "referral": lambda parts: referral.compose(parts, ReferralSettings.model_validate(told)),
        "notify": lambda parts: notify.compose(parts, NotifySettings.model_validate(told)),
        "audit": lambda parts: audit.compose(parts, AuditSettings.model_validate(told)),
    }
