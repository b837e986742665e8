"""What auditors may ask over HTTP: bounded by their mandate, and every question in the log."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from services.audit.api import router
from services.audit.domain.mandates import AccessQuestion, Mandate
from services.audit.storage.questions import AccessPlace, EventPlace, accesses_query, events_query
from services.audit.subscribers import handle
from services.eventing.records import Item
from tests.builders.agency_messages import IDS, NOW
from tests.builders.said import Course, Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.codes import Area, DecisionReason, RefusalCode
from tsunagu_contracts.events.audit import QueryAnswered

DESK, CLINIC, MINATO = "chiyoda-desk-fujimi", "chiyoda-clinic-a", "minato-desk-shiba"
MANDATE = Mandate(
    "ma-0001",
    "au-0001",
    frozenset({DESK, CLINIC}),
    frozenset({Area.FUJIMI.value}),
    NOW - timedelta(days=30),
    NOW + timedelta(days=30),
)


# 20,000 accesses of a year at 40 agencies, by 200 coordinators, on 4,000 referrals of one area.
_MANY_ACCESSES = sa.text("""
    WITH given AS (
        SELECT i, 'r-' || i % 4000 AS referral_id, 'agency-' || i % 40 AS agency_id FROM generate_series(1, 20000) AS i
    ), placed AS (
        INSERT INTO referral_scopes
        SELECT DISTINCT referral_id, 1, 'accepted', 'agency-1', 'agency-2', 'chiyoda.fujimi' FROM given
    )
    INSERT INTO accesses (release_id, outcome, referral_id, section_id, agency_id, coordinator_id, decided_at)
    SELECT 'x-' || i, 'granted', referral_id, 's-' || i, agency_id, 'c-' || i % 200,
        timestamptz '2026-03-20 00:00Z' + i * interval '1 minute'
    FROM given
""")


@dataclass
class Asking:
    """An auditor with a mandate over one area of Chiyoda, and two referrals: one within it, one beyond."""

    bench: ServiceBench
    client: httpx.AsyncClient
    saying: Saying = field(default_factory=Saying)

    def __post_init__(self) -> None:
        self.within = Course(self.saying)
        self.beyond = Course(self.saying, addressee=MINATO, area=Area.SHIBA)
        self.records = (IDS.new(), IDS.new())
        self.submission = self.within.submitted()

    async def begin(self) -> None:
        """Let both referrals be opened twice and refused once; the auditor has a mandate."""
        self.bench.call_as("auditor:au-0001")
        await self.bench.handle(
            self.saying.mandated("au-0001", (DESK, CLINIC), mandate_id="ma-0001"),
            self.submission,
            self.beyond.submitted(),
            *self._accesses(self.within, self.records[0]),
            *self._accesses(self.beyond, self.records[1]),
        )

    def _accesses(self, course: Course, record_id: str) -> list[Item]:
        opened = course.opened(record_id, 1)
        self.saying.now += timedelta(minutes=1)
        refused = course.refused()
        self.saying.now += timedelta(minutes=1)
        return [course.delivered(), opened, refused, course.opened(record_id, 2, coordinator_id="c-0003")]

    async def accesses(self, **asked: str | int) -> list[dict[str, object]]:
        """The accesses that answer a question."""
        answer = await self.client.get("/accesses", params=asked)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()["accesses"]
        return found

    async def refusal(self, path: str, **asked: str | int) -> tuple[int, str]:
        """Status and code with which a question is refused."""
        answer = await self.client.get(path, params=asked)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    async def said(self) -> list[QueryAnswered]:
        """What audit has said of questions since this was last asked."""
        return [event.data for event in await self.bench.heard() if isinstance(event.data, QueryAnswered)]


@pytest.fixture
async def asking(make_database: MakeDatabase) -> AsyncIterator[Asking]:
    """Audit on a fresh database with something to ask about."""
    async with (
        service_bench("audit", make_database("audit").url, handle) as bench,
        bench.http(router(bench.database, bench.clock, timedelta(days=7), timedelta(hours=72))) as client,
    ):
        opened = Asking(bench, client)
        await opened.begin()
        yield opened


async def test_an_auditor_sees_who_opened_what_under_which_appointment_and_statement(asking: Asking) -> None:
    """Openings and refusals of a referral, in order of time, with everything that explains them."""
    found = await asking.accesses(referral_id=asking.within.referral_id)
    assert [(each["outcome"], each["coordinator_id"], each["reason"]) for each in found] == [
        ("granted", "c-0002", None),
        ("refused", "c-0002", "no_statement"),
        ("granted", "c-0003", None),
    ]
    assert {key: found[0][key] for key in ("agency_id", "appointment_id", "statement_id", "statement_number")} == {
        "agency_id": DESK,
        "appointment_id": "ap-c-0002",
        "statement_id": "statement-1",
        "statement_number": 1,
    }
    assert "record_id" not in found[0]


async def test_an_open_question_is_answered_within_the_mandate_only(asking: Asking) -> None:
    """Accesses of other agencies and areas are not even counted."""
    assert {each["referral_id"] for each in await asking.accesses()} == {asking.within.referral_id}
    assert await asking.accesses(coordinator_id="c-0003", agency_id=DESK) != []
    assert await asking.accesses(coordinator_id="c-0009") == []


@pytest.mark.parametrize(
    "named",
    [
        {"agency_id": MINATO},
        {"referral_id": "beyond"},
        {"referral_id": "unheard-of"},
        {"from": (NOW - timedelta(days=31)).isoformat()},
        {"to": (NOW + timedelta(days=31)).isoformat()},
    ],
)
async def test_a_question_beyond_the_mandate_is_refused_and_recorded(asking: Asking, named: dict[str, str]) -> None:
    """Agencies, areas and period bound what may be named; the attempt is in the log with its parameters."""
    if named.get("referral_id") == "beyond":
        named = {"referral_id": asking.beyond.referral_id}
    assert await asking.refusal("/accesses", **named) == (403, "outside_mandate")
    [said] = await asking.said()
    assert (said.auditor_id, said.mandate_id, said.query, said.rows) == ("au-0001", "ma-0001", "accesses", 0)
    assert said.refused is RefusalCode.OUTSIDE_MANDATE
    assert set(said.parameters) == set(named)


async def test_every_answer_is_said_in_the_same_transaction(asking: Asking) -> None:
    """query.answered names auditor, mandate, question and how many rows were shown."""
    await asking.accesses(referral_id=asking.within.referral_id, limit=2)
    [said] = await asking.said()
    assert said.model_dump(exclude={"query_id"}) == {
        "auditor_id": "au-0001",
        "mandate_id": "ma-0001",
        "query": "accesses",
        "parameters": {"referral_id": asking.within.referral_id},
        "rows": 2,
        "refused": None,
    }


@pytest.mark.parametrize("at", [NOW - timedelta(days=31), NOW + timedelta(days=30)])
async def test_before_and_after_the_mandate_nothing_may_be_asked(asking: Asking, at: datetime) -> None:
    """A mandate must be in force when the question is asked; the attempt is recorded without one."""
    asking.bench.clock.at = at
    assert await asking.refusal("/accesses") == (403, "mandate_required")
    [said] = await asking.said()
    assert (said.mandate_id, said.refused) == (None, RefusalCode.MANDATE_REQUIRED)


async def test_another_auditors_mandate_is_of_no_use(asking: Asking) -> None:
    """Neither without naming it nor by naming it."""
    asking.bench.call_as("auditor:au-0002")
    assert await asking.refusal("/accesses") == (403, "mandate_required")
    assert await asking.refusal("/accesses", mandate_id="ma-0001") == (403, "mandate_required")
    assert len(await asking.said()) == 2


@pytest.mark.parametrize("actor", ["coordinator:c-0002", "system:chiyoda-desk-fujimi", "operator:op-1", "person"])
async def test_only_auditors_may_ask(asking: Asking, actor: str) -> None:
    """Nobody else, whatever else they may do."""
    asking.bench.call_as(actor)
    assert await asking.refusal("/accesses") == (403, "not_permitted")
    assert await asking.refusal("/events", aggregate=f"referral:{asking.within.referral_id}") == (
        403,
        "not_permitted",
    )


async def test_pages_follow_one_another_without_gap_or_repetition(asking: Asking) -> None:
    """`next` leads through every access once, in order of time."""
    shown: list[dict[str, object]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await asking.client.get("/accesses", params={"limit": 1, **cursor})).json()
        shown += page["accesses"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert shown == await asking.accesses()
    assert len(shown) == 3


async def test_times_include_their_beginning_and_not_their_end(asking: Asking) -> None:
    """`from` and `to` cut exactly."""
    second = str((await asking.accesses())[1]["decided_at"])
    assert len(await asking.accesses(**{"from": second})) == 2
    assert len(await asking.accesses(to=second)) == 1


async def test_a_misspelt_filter_does_not_widen_a_question(asking: Asking) -> None:
    """What is not understood is refused, and so is a cursor that was not given out."""
    assert await asking.refusal("/accesses", referral="r") == (422, "invalid_content")
    assert await asking.refusal("/accesses", cursor="x") == (422, "invalid_content")
    assert await asking.refusal("/accesses", agency_id="Not An Agency") == (422, "invalid_content")


async def test_guessing_at_referrals_is_seen_by_the_auditor_of_the_guesser(asking: Asking) -> None:
    """A referral that nobody knows has no area; the agency that asked places the attempt."""
    guess = Course(asking.saying)
    await asking.bench.handle(guess.refused(reason=RefusalCode.REFERRAL_UNKNOWN))
    assert (await asking.accesses())[-1]["reason"] == "referral_unknown"


async def test_an_access_whose_referral_has_not_arrived_yet_is_not_shown_early(asking: Asking) -> None:
    """Topics arrive in any order; until the area is known an access is in no mandate."""
    late = Course(asking.saying, area=Area.SHIBA)
    await asking.bench.handle(late.refused(reason=DecisionReason.NO_STATEMENT))
    assert late.referral_id not in {each["referral_id"] for each in await asking.accesses()}


async def test_the_events_of_a_referral_come_as_exact_bytes_with_headers_and_position(asking: Asking) -> None:
    """The auditor can check digests and signatures without trusting anything that was read out of them."""
    answer = await asking.client.get("/events", params={"aggregate": f"referral:{asking.within.referral_id}"})
    events = answer.json()["events"]
    assert [event["version"] for event in events] == [1, 2]
    record = asking.submission.record
    assert base64.b64decode(events[0]["value"]) == record.value
    assert base64.b64decode(events[0]["key"]) == record.raw_key
    assert (events[0]["topic"], events[0]["partition"], events[0]["offset"]) == ("referral.events", 0, 0)
    assert json.loads(base64.b64decode(events[1]["value"]))["previous"] == events[0]["digest"]
    [said] = await asking.said()
    assert (said.query, said.rows) == ("events", 2)


async def test_a_header_name_of_any_bytes_can_be_shown(asking: Asking) -> None:
    """The log keeps the bytes; an answer shows those that are no text by their numbers."""
    item = asking.within.declined()
    odd = replace(item.record, headers=((b"\xffname".decode(errors="surrogateescape"), b"1"), ("plain", None)))
    await asking.bench.handle(replace(item, record=odd))
    answer = await asking.client.get("/events", params={"aggregate": f"referral:{asking.within.referral_id}"})
    assert answer.json()["events"][-1]["headers"] == [["\\xffname", "MQ=="], ["plain", None]]


async def test_a_persons_record_is_shown_only_when_all_of_it_is_within_the_mandate(asking: Asking) -> None:
    """One referral of the same person beyond the mandate closes the whole record."""
    record_id = asking.records[0]
    shown = await asking.client.get("/events", params={"aggregate": f"record:{record_id}"})
    assert [event["type"] for event in shown.json()["events"]] == ["release.granted.v1"] * 2
    await asking.bench.handle(asking.beyond.opened(record_id, 3))
    assert await asking.refusal("/events", aggregate=f"record:{record_id}") == (403, "outside_mandate")


async def test_events_beyond_the_mandate_or_of_nothing_are_refused_alike(asking: Asking) -> None:
    """A refusal does not tell whether there is something."""
    for aggregate in (
        f"referral:{asking.beyond.referral_id}",
        f"record:{asking.records[1]}",
        "referral:unheard-of",
        "agency:minato-desk-shiba",
    ):
        assert await asking.refusal("/events", aggregate=aggregate) == (403, "outside_mandate")
    assert [said.refused for said in await asking.said()] == [RefusalCode.OUTSIDE_MANDATE] * 4


async def test_an_auditor_can_see_their_own_questions_in_the_log(asking: Asking) -> None:
    """What audit says of questions comes back over Kafka and is kept like everything else."""
    await asking.accesses()
    [event] = await asking.bench.heard()
    again = asking.saying.say(event.aggregate, event.data, actor=event.actor)
    await asking.bench.handle(again)
    own = await asking.client.get("/events", params={"aggregate": event.aggregate})
    assert [each["type"] for each in own.json()["events"]] == ["query.answered.v1"]


async def test_questions_for_accesses_use_their_index(asking: Asking) -> None:
    """Among many accesses what is named is found through the index made for it, also from a cursor on."""
    async with asking.bench.database.engine.begin() as connection:
        await connection.execute(_MANY_ACCESSES)
    for question, index in (
        (AccessQuestion(referral_id="r-77"), "accesses_of_referral"),
        (AccessQuestion(coordinator_id="c-77"), "accesses_by_coordinator"),
        (AccessQuestion(agency_id="agency-7"), "accesses_by_agency"),
        (AccessQuestion(), "accesses_in_time"),
    ):
        for after in (None, AccessPlace(NOW, "release")):
            mandate = replace(MANDATE, agencies=frozenset(f"agency-{number}" for number in range(20)))
            plan = await asking.bench.plan(accesses_query(mandate, question, after, 100))
            assert index in plan
            assert "Seq Scan on accesses" not in plan


async def test_questions_for_events_use_their_index(asking: Asking) -> None:
    """An aggregate's events are found by its name and fetched by position."""
    plan = await asking.bench.plan(events_query(MANDATE, "referral:r", EventPlace(1, 0, 0), 100))
    assert "read_events_aggregate" in plan
    assert "log_entries_pkey" in plan
    assert "Seq Scan" not in plan
