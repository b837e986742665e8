"""The story of the person's word: given, taken back, given anew, spoken by others, for a disaster, at last erased.

Like the first story it is told through the network's public interfaces alone.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from deploy.demo.people import Screens, Worker
from deploy.demo.person import Person, invent_person
from deploy.demo.scene import JA, NOTICE, Office, require, until
from deploy.demo.telling import Teller
from deploy.network import EmbeddedNetwork
from tsunagu_agency import (
    AgencyClient,
    Inbound,
    KeptUnder,
    Obligation,
    OverrideGround,
    ProofSeen,
    RepresentationGround,
    SpokenBy,
    ToAgency,
)
from tsunagu_contracts.codes import (
    Area,
    Category,
    CoverageState,
    DecisionReason,
    DisasterAct,
    ObligationCause,
    ObligationEnd,
    Purpose,
    RefusalCode,
    ServiceFamily,
    StatementKind,
    StatementMethod,
    Urgency,
)
from tsunagu_contracts.problems import REASONS

CLINIC = ("chiyoda-clinic-a", Worker("c-0001", "ap-0001"))
SUPERVISOR = Worker("c-0060", "ap-0062")
DESK = ("chiyoda-desk-manseibashi", Worker("c-0003", "ap-0003"))
SCHOOL = ("chiyoda-school", Worker("c-0022", "ap-0022"))
FAMILY = ("chiyoda-child-family", Worker("c-0034", "ap-0034"))
COMMISSIONERS = ("chiyoda-commissioners", Worker("c-0035", "ap-0035"))
WARD = ("chiyoda-ward-office", Worker("c-0058", "ap-0060"))

_EVERYDAY = (Category.IDENTITY, Category.CONTACT, Category.HEALTH)
_MARK = {CoverageState.COVERED: "○", CoverageState.TO_ASK: "?", CoverageState.REFUSED: "✗", CoverageState.INVALID: "!"}


@dataclass(frozen=True, slots=True)
class Offices:
    """The agencies of the story."""

    clinic: Office
    desk: Office
    school: Office
    family: Office
    commissioners: Office
    ward: Office


@dataclass(frozen=True, slots=True)
class Subject:
    """What the person speaks about: one referral, to whom it goes and for what."""

    referral_id: str
    recipient: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the story was about, so that others can look for traces of them."""

    persons: tuple[Person, ...]


def play(network: EmbeddedNetwork, console: Console | None = None) -> Told:
    """Play the story on a running network; raises `StoryError` when anything is not as it must be."""
    return asyncio.run(_play(network, console or Console()))


async def _play(network: EmbeddedNetwork, console: Console) -> Told:
    teller = Teller(console)
    async with Screens(network.addresses) as screens, AsyncExitStack() as clients:

        async def office(agency_id: str, worker: Worker) -> Office:
            client = AgencyClient.from_folder(network.data.agency(agency_id), reader="consent-story")
            await clients.enter_async_context(client)
            return Office(client, worker, client.inbox(), screens, teller)

        offices = Offices(
            *[await office(*who) for who in (CLINIC, DESK, SCHOOL, FAMILY, COMMISSIONERS, WARD)],
        )
        return await _Story(teller, offices).tell(invent_person(), invent_person())


class _Story:
    """The steps, each using what the ones before it left."""

    def __init__(self, teller: Teller, offices: Offices) -> None:
        self._teller = teller
        self._at = offices
        self._moments: list[tuple[str, datetime]] = []

    async def tell(self, person: Person, child: Person) -> Told:
        """Tell all of it."""
        self._teller.title("本人の言葉の物語", "the story of the person's word")
        helped = await self._refer(self._at.clinic, DESK[0], Purpose.INITIAL_CONTACT, person, ServiceFamily.DAILY_LIFE)
        delivery = await self._granted_and_opened(helped, person)
        await self._withdrawn(helped, delivery)
        await self._a_late_grant_does_not_win(helped, delivery)
        await self._owed_and_answered(helped)
        await self._given_anew(helped, delivery, person)
        await self._a_parent_against_the_child(child)
        await self._a_disaster(person)
        await self._erased(helped, delivery)
        await self._read_as_of_three_moments(helped)
        self._teller.end("物語はここまでです。", "That was the story.")
        return Told((person, child))

    async def _granted_and_opened(self, helped: Subject, person: Person) -> Inbound:
        self._teller.step("本人が同意し、窓口が開く", "the person agrees, and the desk opens what was sent")
        await self._say(self._at.clinic, helped, StatementKind.GRANT)
        delivery = await self._at.desk.hears(helped.referral_id, "referral.delivered")
        for category in _EVERYDAY:
            await self._at.desk.opens(delivery, category, person.contents[category])
            self._teller.fact(f"{JA[category]}が開きました", f"{category.value} opened, and that was recorded")
        self._remember("同意のあと / agreed")
        return delivery

    async def _withdrawn(self, helped: Subject, delivery: Inbound) -> None:
        self._teller.step("本人が取り消す", "the person takes it back, effective at once")
        await self._say(self._at.desk, helped, StatementKind.WITHDRAW)
        self._teller.fact("「もう、だれにも見せないでほしい」", "recorded by the desk; nobody waits for anybody")
        await self._at.desk.is_refused(delivery, Category.HEALTH, DecisionReason.WITHDRAWN_BY_PERSON)
        await self._at.desk.hears(helped.referral_id, "referral.halted")
        self._teller.fact("つなぎは止まりました", "nothing is covered any more: the referral rests")
        self._remember("取り消しのあと / taken back")

    async def _a_late_grant_does_not_win(self, helped: Subject, delivery: Inbound) -> None:
        self._teller.step(
            "前に書かれた同意が遅れて届く", "a grant written offline before the withdrawal arrives after it"
        )
        _, agreed_at = self._moments[0]
        await self._say(self._at.clinic, helped, StatementKind.GRANT, stated_at=agreed_at)
        await self._at.desk.is_refused(delivery, Category.HEALTH, DecisionReason.GRANT_STATED_BEFORE_NEGATIVE)

    async def _owed_and_answered(self, helped: Subject) -> None:
        self._teller.step("窓口は、見たものについて答える", "the desk answers for what it has seen")

        async def all_three() -> list[Obligation]:
            listed = self._at.desk.client.obligations(by=await self._at.desk.acting())
            owed = [each async for each in listed if each.referral_id == helped.referral_id]
            return owed if len(owed) == len(_EVERYDAY) else []

        owed = {each.category: each for each in await until(all_three)}
        by = await self._at.desk.acting()
        identity, health = owed[Category.IDENTITY], owed[Category.HEALTH]
        await self._at.desk.client.answer_obligation(identity.obligation_id, ObligationEnd.DELETED, by=by)
        self._teller.fact("氏名: 消しました", "identity: deleted")
        await self._at.desk.client.answer_obligation(
            health.obligation_id, ObligationEnd.KEPT_BY_LAW, by=by, kept_under=KeptUnder.HOME_CARE_STANDARDS_39
        )
        self._teller.fact(
            "健康: 法律により残します（居宅介護支援の基準 第39条）", "health: kept by law, and the article is named"
        )
        self._teller.fact(
            f"連絡先: まだ答えていません（期限 {owed[Category.CONTACT].due_at:%m月%d日}）",
            "contact: still owed, with a date",
        )

    async def _given_anew(self, helped: Subject, delivery: Inbound, person: Person) -> None:
        self._teller.step("本人がもう一度同意する", "the person agrees again, and the referral goes on")
        await self._say(self._at.desk, helped, StatementKind.GRANT)
        await self._at.desk.hears(helped.referral_id, "referral.resumed")
        await self._at.desk.opens(delivery, Category.CONTACT, person.contents[Category.CONTACT])
        self._teller.fact("つなぎは続きます。連絡先が開きました", "resumed; contact opens again")
        listed = self._at.desk.client.obligations(by=await self._at.desk.acting())
        require(
            not [each async for each in listed if each.referral_id == helped.referral_id],
            "what may be held again is owed no more",
        )
        self._remember("もう一度同意したあと / agreed anew")

    async def _a_parent_against_the_child(self, child: Person) -> None:
        self._teller.step("本人が断り、親が同意する", "the person refuses and a parent agrees")
        asked = await self._refer(self._at.school, FAMILY[0], Purpose.ASSESSMENT, child, ServiceFamily.CHILD_AND_FAMILY)
        by = await self._at.school.acting()
        parent = await self._at.school.client.name_representative(
            asked.referral_id, RepresentationGround.PARENT, by=by, proof=ProofSeen.FAMILY_REGISTER
        )
        await self._say(self._at.school, asked, StatementKind.REFUSE)
        self._teller.fact("本人「いやです」", "the person says no")
        await self._say(self._at.school, asked, StatementKind.GRANT, spoken_by=SpokenBy(parent.representative_id))
        self._teller.fact("親「お願いします」", "a parent says yes")
        covered = await self._at.school.client.covered(asked.referral_id, by=by)
        reasons = {section.reason for section in covered.sections if section.category in _EVERYDAY}
        require(reasons == {DecisionReason.PERSON_REFUSES_THEMSELF}, "the person's own refusal stands")
        japanese, english = REASONS[DecisionReason.PERSON_REFUSES_THEMSELF]
        self._teller.refused(f"届きません: {japanese}", english)
        ground = SpokenBy(parent.representative_id, OverrideGround.CHILD_WELFARE)
        await self._say(self._at.school, asked, StatementKind.GRANT, spoken_by=ground)
        delivery = await self._at.family.hears(asked.referral_id, "referral.delivered")
        await self._at.family.opens(delivery, Category.HEALTH, child.contents[Category.HEALTH])
        self._teller.fact(
            "法律の根拠が記録されると、届きます（個人情報保護法27条1項3号）",
            "on a recorded legal ground it is delivered",
        )

    async def _a_disaster(self, person: Person) -> None:
        self._teller.step("災害のときだけの同意", "consent that was given for a disaster")
        found = await self._refer(self._at.clinic, COMMISSIONERS[0], Purpose.DISASTER, person, ServiceFamily.DAILY_LIFE)
        await self._say(self._at.clinic, found, StatementKind.GRANT, disaster_in=Area.MANSEIBASHI)
        self._teller.fact("「災害のときは、民生委員に知らせてよい」", "for the commissioners, in a disaster only")
        by = await self._at.ward.acting()
        declared = await self._at.ward.client.say_disaster(DisasterAct.DECLARE, [Area.MANSEIBASHI], by=by)
        self._teller.fact("区役所が災害を宣言しました", "the ward office declares a disaster")
        delivery = await self._at.commissioners.hears(found.referral_id, "referral.delivered")
        await self._at.commissioners.opens(delivery, Category.CONTACT, person.contents[Category.CONTACT])
        self._teller.fact("連絡先が開きました", "contact opens")
        await self._at.ward.client.say_disaster(
            DisasterAct.LIFT, [Area.MANSEIBASHI], by=by, disaster_id=declared.disaster_id
        )
        self._teller.fact("区役所が宣言を解きました", "the disaster is lifted")
        await self._at.commissioners.is_refused(delivery, Category.CONTACT, DecisionReason.CONDITION_NOT_MET)

    async def _erased(self, helped: Subject, delivery: Inbound) -> None:
        self._teller.step("本人が消去を求める", "the person asks to be erased")
        by = await self._at.clinic.screens.acting(SUPERVISOR)
        await self._at.clinic.client.erase_person(helped.referral_id, by=by, how=StatementMethod.WRITTEN, notice=NOTICE)
        self._teller.fact(
            "診療所の責任者が記録しました。鍵は壊されます", "a supervisor records it; the keys are destroyed"
        )
        await self._at.desk.is_refused(delivery, Category.CONTACT, RefusalCode.PERSON_ERASED)

        async def of_the_erasure() -> list[Obligation]:
            listed = self._at.desk.client.obligations(by=await self._at.desk.acting())
            return [each async for each in listed if each.referral_id == helped.referral_id]

        owed = await until(of_the_erasure)
        require({each.cause for each in owed} == {ObligationCause.ERASED}, "what was opened is owed because of it")
        self._teller.fact(
            f"窓口は、まだ持つ{len(owed)}項目についても答えます",
            f"the desk owes an answer for what it still holds ({len(owed)})",
        )

    async def _read_as_of_three_moments(self, helped: Subject) -> None:
        self._teller.step("あの時、何が開けたか", "the record as of three moments")
        by = await self._at.clinic.acting()
        rows: list[tuple[str, ...]] = []
        for name, at in self._moments:
            covered = await self._at.clinic.client.covered(helped.referral_id, by=by, at=at)
            states = {section.category: section.state for section in covered.sections}
            rows.append((f"{at:%H:%M:%S.%f}"[:-3], name, *(_MARK[states[category]] for category in JA)))
        self._teller.table(("時刻 / when", "", *JA.values()), rows)
        readings = [row[2:] for row in rows]
        require(
            readings == [("○", "○", "○", "?"), ("✗", "✗", "✗", "?"), ("○", "○", "○", "?")], "each moment reads as then"
        )

    async def _refer(self, sender: Office, to: str, purpose: Purpose, person: Person, family: ServiceFamily) -> Subject:
        await sender.client.take_handles(1)
        message = sender.client.seal_referral(
            by=await sender.acting(),
            to=ToAgency(agency=to),
            area=Area.MANSEIBASHI,
            service_family=family,
            purpose=purpose,
            urgency=Urgency.ROUTINE,
            contents=dict(person.contents),
            person=person.reference,
        )
        await sender.client.publish(message)
        await sender.hears(message.referral_id, "referral.awaiting_consent")
        return Subject(message.referral_id, to, purpose)

    async def _say(
        self,
        office: Office,
        subject: Subject,
        kind: StatementKind,
        *,
        stated_at: datetime | None = None,
        spoken_by: SpokenBy | None = None,
        disaster_in: Area | None = None,
    ) -> None:
        await office.client.record_statement(
            subject.referral_id,
            kind,
            by=await office.acting(),
            categories=_EVERYDAY,
            recipients=[subject.recipient],
            purposes=[subject.purpose],
            how=StatementMethod.WRITTEN,
            notice=NOTICE,
            stated_at=stated_at,
            spoken_by=spoken_by,
            disaster_in=disaster_in,
        )

    def _remember(self, name: str) -> None:
        self._moments.append((name, datetime.now(UTC)))
