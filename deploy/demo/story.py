"""The story of one sealed referral, told through the network's public interfaces alone.

A clinic's program and a desk's program each use their agency's own keys and Kafka login; coordinators and the
auditor sign in and use HTTP. Nothing here reaches into a service or a database.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from rich.console import Console

from deploy.demo.people import Access, InboxItem, Screens, Worker
from deploy.demo.person import Person, invent_person
from deploy.demo.scene import JA, NOTICE, Office, require, until
from deploy.demo.telling import Teller
from deploy.network import EmbeddedNetwork
from services.runtime.telemetry import FileSpanExporter
from tsunagu_agency import AgencyClient, Inbound, ToAgency
from tsunagu_contracts.codes import (
    Area,
    Category,
    DecisionReason,
    Outcome,
    Purpose,
    ReferralAct,
    ServiceFamily,
    StatementKind,
    StatementMethod,
    Urgency,
)
from tsunagu_contracts.events.referral import ReferralAwaitingConsent

CLINIC = "chiyoda-clinic-a"
DESK = "chiyoda-desk-manseibashi"
CLINIC_WORKER = Worker("c-0001", "ap-0001")
DESK_WORKER = Worker("c-0003", "ap-0003")
AUDITOR = "au-0001"


@dataclass(frozen=True, slots=True)
class Told:
    """What the story was about: its person, referral and trace, so that others can look for traces of them."""

    person: Person
    referral_id: str
    trace_id: str
    accesses: tuple[Access, ...]


def play(network: EmbeddedNetwork, console: Console | None = None) -> Told:
    """Play the story on a running network; raises `StoryError` when anything is not as it must be."""
    return asyncio.run(_play(network, console or Console()))


async def _play(network: EmbeddedNetwork, console: Console) -> Told:
    provider = _trace_into(network.data.traces / "clinic.jsonl")
    try:
        async with (
            Screens(network.addresses) as screens,
            AgencyClient.from_folder(network.data.agency(CLINIC), reader="story") as clinic,
            AgencyClient.from_folder(network.data.agency(DESK), reader="story") as desk,
        ):
            teller = Teller(console)
            story = _Story(
                teller,
                screens,
                Office(clinic, CLINIC_WORKER, clinic.inbox(), screens, teller),
                Office(desk, DESK_WORKER, desk.inbox(), screens, teller),
            )
            return await story.tell(invent_person())
    finally:
        provider.force_flush()


def _trace_into(path: Path) -> TracerProvider:
    """The clinic's program exports its spans too; a process has one tracer provider for its life."""
    current = trace.get_tracer_provider()
    if isinstance(current, TracerProvider):
        return current
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "tsunagu.agency"}))
    provider.add_span_processor(SimpleSpanProcessor(FileSpanExporter(path)))
    trace.set_tracer_provider(provider)
    return provider


class _Story:
    """The nine steps, each using what the ones before it left."""

    def __init__(self, teller: Teller, screens: Screens, clinic: Office, desk: Office) -> None:
        self._teller = teller
        self._screens = screens
        self._clinic = clinic
        self._desk = desk
        self._referral_id = ""
        self._trace_id = ""
        self._asked_in: str | None = None

    async def tell(self, person: Person) -> Told:
        """Tell all of it."""
        self._teller.title("つなぎの物語", "the story of one sealed referral")
        await self._sealed_and_published(person)
        await self._waits_for_consent()
        await self._consent_is_recorded()
        delivery = await self._delivered_and_notified()
        await self._three_opened_one_refused(delivery, person)
        accepted = await self._accepted(delivery)
        await self._one_withdrawn(delivery, person)
        accesses = await self._audited()
        await self._completed(accepted)
        self._teller.end("物語はここまでです。", "That was the story.")
        return Told(person, self._referral_id, self._trace_id, tuple(accesses))

    async def _sealed_and_published(self, person: Person) -> None:
        self._teller.step("診療所が四つの項目に封をして送る", "a clinic seals four sections and publishes a referral")
        left = await self._clinic.client.take_handles(1)
        self._teller.fact("白紙のハンドルを受け取りました", f"took a blank handle ({left} in the key store)")
        message = self._clinic.client.seal_referral(
            by=await self._clinic.acting(),
            to=ToAgency(agency=DESK),
            area=Area.MANSEIBASHI,
            service_family=ServiceFamily.DAILY_LIFE,
            purpose=Purpose.INITIAL_CONTACT,
            urgency=Urgency.URGENT,
            contents=dict(person.contents),
            person=person.reference,
        )
        self._referral_id = message.referral_id
        sealed = "・".join(JA[category] for category in person.contents)
        self._teller.fact(f"封をした項目: {sealed}", f"sealed: {', '.join(person.contents)}")
        with trace.get_tracer("tsunagu.demo").start_as_current_span("clinic refers") as span:
            self._trace_id = f"{span.get_span_context().trace_id:032x}"
            where = await self._clinic.client.publish(message)
        self._teller.fact(
            f"署名して {where.topic} に出しました（{len(message.raw):,} バイト）",
            f"signed and published; trace {self._trace_id}",
        )

    async def _waits_for_consent(self) -> None:
        self._teller.step("まだ同意がないので、つなぎは待つ", "nothing is covered yet: the referral waits")
        item = await self._clinic.hears(self._referral_id, "referral.awaiting_consent")
        said = item.event.data if item.event else None
        asked = [section.category for section in said.sections] if isinstance(said, ReferralAwaitingConsent) else []
        require(len(asked) == 4, "all four sections are to be asked")
        self._asked_in = item.traceparent
        self._teller.fact(
            f"診療所に届いた問い: {'・'.join(JA[category] for category in asked)} について本人にたずねてください",
            "the clinic's inbound topic says what is to be asked",
        )
        require(not await self._waiting_items(), "nobody at the desk knows of it yet")

    async def _consent_is_recorded(self) -> None:
        self._teller.step(
            "本人の言葉を記録する: 四つのうち三つ", "the person's word is recorded, for three of the four"
        )
        agreed = (Category.IDENTITY, Category.CONTACT, Category.HEALTH)
        # The answer goes on in the trace of the question, so that one trace leads from publishing to the notice.
        asked = TraceContextTextMapPropagator().extract({"traceparent": self._asked_in or ""})
        with trace.get_tracer("tsunagu.demo").start_as_current_span("clinic records consent", context=asked):
            await self._state(self._clinic, StatementKind.GRANT, agreed)
        self._teller.fact(
            f"「{'・'.join(JA[category] for category in agreed)}は、万世橋の窓口に伝えてよい」",
            "“these may go to the Manseibashi desk”; about money the person said nothing",
        )

    async def _delivered_and_notified(self) -> Inbound:
        self._teller.step("窓口に届き、当番に知らせが行く", "delivered to the desk; coordinators on duty are told")
        delivery = await self._desk.hears(self._referral_id, "referral.delivered")
        self._teller.fact(
            f"{len(delivery.bodies)} 項目が封をしたまま窓口に届きました", "all sections arrived, still sealed"
        )
        item = (await until(self._waiting_items))[0]
        name = await self._screens.name_of(DESK_WORKER.coordinator_id)
        self._teller.fact(f"{name}さんの受信箱:「{item.text}」", "the notice says nothing about the person")
        await self._screens.acknowledge(DESK_WORKER.coordinator_id, item)
        return delivery

    async def _three_opened_one_refused(self, delivery: Inbound, person: Person) -> None:
        self._teller.step("三つは開き、一つは開かない", "three sections open, the fourth is refused with a reason")
        for category in (Category.IDENTITY, Category.CONTACT, Category.HEALTH):
            opened = await self._desk.opens(delivery, category, person.contents[category])
            self._teller.fact(f"{JA[category]}: {opened.text}", f"release {opened.release_id[-12:]}")
        await self._desk.is_refused(delivery, Category.FINANCE, DecisionReason.NO_STATEMENT)

    async def _accepted(self, delivery: Inbound) -> int:
        self._teller.step("窓口が引き受け、診療所に伝わる", "the desk accepts, and the clinic is told")
        by = await self._desk.acting()
        receipt = await self._desk.client.act(
            self._referral_id, ReferralAct.ACCEPT, by=by, expected_version=delivery.version or 0
        )
        told = await self._clinic.hears(self._referral_id, "referral.accepted")
        name = await self._screens.name_of(DESK_WORKER.coordinator_id)
        self._teller.fact(
            f"これからの担当: {name}さん（第{told.version}版）", "the one accountable coordinator from now on"
        )
        return receipt.version

    async def _one_withdrawn(self, delivery: Inbound, person: Person) -> None:
        self._teller.step("本人が一つを取り消す", "the person withdraws one category")
        await self._state(self._desk, StatementKind.WITHDRAW, (Category.HEALTH,))
        self._teller.fact("「健康のことは、もう伝えないでほしい」", "recorded by the desk, effective at once")
        await self._desk.is_refused(delivery, Category.HEALTH, DecisionReason.WITHDRAWN_BY_PERSON)
        for category in (Category.IDENTITY, Category.CONTACT):
            await self._desk.opens(delivery, category, person.contents[category])
            self._teller.fact(f"{JA[category]}は、まだ開きます", f"{category.value} still opens")

    async def _audited(self) -> list[Access]:
        self._teller.step(
            "監査人が、誰が何をいつ見たかを並べる", "an auditor lists who saw what, when, and the refusals"
        )

        async def all_seven() -> list[Access]:
            found = await self._screens.accesses(AUDITOR, self._referral_id)
            return found if len(found) >= 7 else []

        accesses = await until(all_seven)
        self._teller.table(
            ("時刻 / when", "担当 / who", "任用 / appointment", "項目 / section", "結果 / outcome", "根拠 / ground"),
            [
                (
                    access.decided_at[11:19],
                    access.coordinator_id,
                    access.appointment_id or "",
                    JA[Category(access.category)] if access.category else "",
                    "開示 / opened" if access.reason is None else "拒否 / refused",
                    access.reason or f"同意 第{access.statement_number}番",
                )
                for access in accesses
            ],
        )
        require(sum(access.reason is not None for access in accesses) == 2, "two refusals are listed")
        return accesses

    async def _completed(self, version: int) -> None:
        self._teller.step("結果とともに終わる", "the referral ends with an outcome")
        by = await self._desk.acting()
        started = await self._desk.client.act(self._referral_id, ReferralAct.START, by=by, expected_version=version)
        await self._desk.client.act(
            self._referral_id,
            ReferralAct.COMPLETE,
            by=by,
            expected_version=started.version,
            outcome=Outcome.HELPED_IN_FULL,
        )
        await self._clinic.hears(self._referral_id, "referral.completed")
        self._teller.fact("必要な支えにつながりました", "helped in full; the clinic is told")

    async def _state(self, office: Office, kind: StatementKind, categories: tuple[Category, ...]) -> None:
        await office.client.record_statement(
            self._referral_id,
            kind,
            by=await office.acting(),
            categories=categories,
            recipients=[DESK],
            purposes=[Purpose.INITIAL_CONTACT],
            how=StatementMethod.WRITTEN,
            notice=NOTICE,
        )

    async def _waiting_items(self) -> list[InboxItem]:
        items = await self._screens.inbox(DESK_WORKER.coordinator_id)
        return [item for item in items if item.referral_id == self._referral_id]
