"""The real network as a system: agencies that seal and sign, persons with a standing consent, five services."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.access import KafkaAccess, PostgresAccess
from deploy.data_folder import DataFolder
from deploy.network import DEMO_NETWORK, EmbeddedNetwork
from tests.benchmarks.load import Outgoing, Publisher, Watcher
from tests.benchmarks.settings import Settings
from tsunagu_agency import ActingCoordinator, AgencyClient, ToAgency
from tsunagu_agency.configuration import Network
from tsunagu_agency.errors import NoHandleLeftError
from tsunagu_agency.keystore import BlankHandle, Keystore
from tsunagu_contracts.codes import (
    Area,
    Category,
    Language,
    Purpose,
    ServiceFamily,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.handles import verify_certificate
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.notices import published
from tsunagu_contracts.topics import COVERAGE, NOTIFY_EVENTS, SERVICES, agency_outbound

CLINICS = {
    "chiyoda-clinic-a": ActingCoordinator(coordinator_id="c-0001", appointment_id="ap-0001"),
    "chiyoda-clinic-b": ActingCoordinator(coordinator_id="c-0018", appointment_id="ap-0018"),
    "chiyoda-hospital": ActingCoordinator(coordinator_id="c-0019", appointment_id="ap-0019"),
    "minato-clinic-a": ActingCoordinator(coordinator_id="c-0050", appointment_id="ap-0050"),
}
Clients = dict[str, AgencyClient]
HANDLES_AT_ONCE = 200
STATEMENTS_AT_ONCE = 8
_NEVER = datetime.max.replace(tzinfo=UTC)
_NOTICE = published(Language.JA).shown
# Invented; about as much as a real letter of referral says in each.
_CONTENTS = {
    Category.IDENTITY: "架空 花子(かくう はなこ) 昭和二十五年四月一日生まれ " * 2,
    Category.CONTACT: "東京都千代田区架空町一丁目二番三号 電話 03-0000-0000 " * 3,
    Category.HEALTH: "高血圧で通院中。膝の痛みで外出が減っている。服薬は自分でできる。" * 12,
    Category.NARRATIVE: "ひとりで暮らし、買い物とごみ出しに困っている。近所の人が気づいて相談があった。" * 18,
}


class KeystoreInMemory(Keystore):
    """An agency's keys with its blank handles in memory: thousands are taken here, and files would be the measure."""

    _blank: deque[BlankHandle]

    @classmethod
    def of(cls, folder: Path) -> KeystoreInMemory:
        """Read the keys of an agency's folder."""
        kept = Keystore.open(folder)
        made = cls(folder, kept.agency_id, kept.signing, kept.encryption)
        made._blank = deque()
        return made

    def add_handles(self, tokens: Iterable[str], trust_key: PublicKey, now: datetime) -> int:
        """Keep certificates; returns how many."""
        added = [BlankHandle(verify_certificate(token, trust_key, now, self.agency_id), token) for token in tokens]
        self._blank.extend(added)
        return len(added)

    def take_handle(self, trust_key: PublicKey, now: datetime) -> BlankHandle:
        """Take the oldest blank handle."""
        if not self._blank:
            raise NoHandleLeftError
        return self._blank.popleft()

    def count_handles(self, now: datetime) -> int:
        """Count the blank handles."""
        return len(self._blank)


@dataclass(frozen=True, slots=True)
class Desk:
    """An area's desk, and how many coordinators are on duty there."""

    agency_id: str
    area: Area
    on_duty: int


class RealNetwork:
    """The five services of the network, with tracing, signatures and SASL on, as `make run` starts them."""

    name = "real"
    notifications = NOTIFY_EVENTS.name

    def __init__(self, folder: Path, kafka: KafkaAccess, postgres: PostgresAccess, settings: Settings) -> None:
        self.network = EmbeddedNetwork(DataFolder(folder / "network"), kafka, postgres)
        self._kafka = kafka
        self._settings = settings
        self._random = random.Random(f"{settings.seed} real")
        self._persons = itertools.count(1)
        self._desks = desks(DEMO_NETWORK, datetime.now(UTC))

    def start(self) -> None:
        """Provision and start everything."""
        self.network.provision()
        self.network.start()

    def stop(self) -> None:
        """End every process."""
        self.network.stop()

    def prepare(self, count: int) -> Sequence[Outgoing]:
        """Seal so many referrals of persons who have consented beforehand, each with a handle of its own."""
        return asyncio.run(self._prepare(count))

    def referral_of(self, notification: bytes) -> str | None:
        """The referral that a notification tells of."""
        event = json.loads(notification)
        return str(event["data"]["referral_id"]) if event["type"] == "notification.created.v1" else None

    @property
    def pids(self) -> Mapping[str, int]:
        """The five services; the issuer of sign-in tokens does nothing here."""
        return {name: pid for name, pid in self.network.pids.items() if name in SERVICES}

    @property
    def services(self) -> Mapping[str, str]:
        """Each process is a service."""
        return {name: name for name in SERVICES}

    def _clinics(self, count: int) -> list[str]:
        names = list(CLINICS)
        return [names[number % len(names)] for number in range(count)]

    async def _prepare(self, count: int) -> Sequence[Outgoing]:
        share = self._settings.referrals_per_person
        known = [(clinic, f"karte-{next(self._persons)}") for clinic in self._clinics(-(-count // share))]
        # Mixed, so that a batch may hold several of one person, as on any day.
        rest = [person for person in known for _ in range(share)][:count]
        self._random.shuffle(rest)
        async with AsyncExitStack() as stack:
            clients: Clients = {}
            for clinic in CLINICS:
                folder = self.network.agency(clinic).keys_file.parent
                client = AgencyClient(KeystoreInMemory.of(folder), Network.from_folder(folder))
                clients[clinic] = await stack.enter_async_context(client)
                needed = sum(of == clinic for of, _ in (*known, *rest))
                for taken in range(0, needed, HANDLES_AT_ONCE):
                    await client.take_handles(min(needed - taken, HANDLES_AT_ONCE))
            await self._consented(clients, known)
            return [self._referral(clients[clinic], person) for clinic, person in rest]

    async def _consented(self, clients: Clients, known: Sequence[tuple[str, str]]) -> None:
        """Let each person be referred once and then say yes, for all that follows."""
        messages = [self._referral(clients[clinic], person) for clinic, person in known]
        coverage = Watcher(self._kafka, COVERAGE.name, lambda value: str(json.loads(value)["data"]["referral_id"]))
        told = Watcher(self._kafka, self.notifications, self.referral_of)
        publisher = Publisher()
        publisher.connect(messages)
        patience = self._settings.patience_seconds
        try:
            publisher.publish(messages, None)
            coverage.wait_for({message.referral_id: 1 for message in messages}, seconds=patience)
            limit = asyncio.Semaphore(STATEMENTS_AT_ONCE)
            await asyncio.gather(
                *(
                    _say_yes(clients[clinic], message.referral_id, limit)
                    for (clinic, _), message in zip(known, messages, strict=True)
                )
            )
            told.wait_for({message.referral_id: message.notifications for message in messages}, seconds=patience)
        finally:
            coverage.close()
            told.close()

    def _referral(self, client: AgencyClient, person: str) -> Outgoing:
        clinic = client.agency_id
        desk = self._random.choice(self._desks)
        message = client.seal_referral(
            by=CLINICS[clinic],
            to=ToAgency(agency=desk.agency_id),
            area=desk.area,
            service_family=ServiceFamily.DAILY_LIFE,
            purpose=Purpose.INITIAL_CONTACT,
            contents=_CONTENTS,
            person=person,
        )
        return Outgoing(
            login=self.network.agency(clinic).kafka,
            topic=agency_outbound(clinic),
            referral_id=message.referral_id,
            value=message.raw,
            traceparent=f"00-{self._random.getrandbits(128):032x}-{self._random.getrandbits(64):016x}-01",
            notifications=desk.on_duty,
        )


async def _say_yes(client: AgencyClient, referral_id: str, limit: asyncio.Semaphore) -> None:
    async with limit:
        await client.record_statement(
            referral_id,
            StatementKind.GRANT,
            by=CLINICS[client.agency_id],
            categories=list(_CONTENTS),
            recipients=None,
            purposes=[Purpose.INITIAL_CONTACT],
            how=StatementMethod.WRITTEN,
            notice=_NOTICE,
        )


def desks(files: Path, at: datetime) -> list[Desk]:
    """The areas' desks in a network's files, with how many coordinators hold an appointment there at this time."""
    on_duty: dict[str, set[str]] = {}
    areas: dict[str, Area] = {}
    for held in json.loads((files / "appointments.json").read_text(encoding="utf-8")):
        ends = [held[name] for name in ("valid_until", "ended_at") if held.get(name)]
        holds = (
            datetime.fromisoformat(held["valid_from"]) <= at < min(map(datetime.fromisoformat, ends), default=_NEVER)
        )
        if holds and "-desk-" in held["agency_id"]:
            on_duty.setdefault(held["agency_id"], set()).add(held["coordinator_id"])
            areas[held["agency_id"]] = Area(held["areas"][0])
    return [Desk(agency_id, areas[agency_id], len(people)) for agency_id, people in sorted(on_duty.items())]
