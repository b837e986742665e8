"""Records of both sides, reported to audit without names: matched with the openings, and what is missing told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest

from services.audit.api import router
from services.audit.subscribers import handle
from services.eventing.records import Item
from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.consent_bench import AGENCIES, CLINIC, DESK, NPO, membership_of
from tests.builders.said import Course, Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.codes import Area, ProvisionSide, RefusalCode
from tsunagu_contracts.events.audit import ProvisionReported, QueryAnswered
from tsunagu_contracts.events.consent import ReleaseGranted
from tsunagu_contracts.manifests import ProvisionsRecorded, RecordKept, ReportProvisions
from tsunagu_contracts.provisions import AgreedFacts

DAYS = 7
PROVIDED, RECEIVED = ProvisionSide


def facts(release: ReleaseGranted) -> AgreedFacts:
    """What both sides must have written of an opening."""
    return AgreedFacts(
        release.release_id,
        release.referral_id,
        release.section_id,
        release.category,
        release.purpose,
        release.recipient,
        release.statement_id,
        release.decided_at,
    )


def granted(item: Item) -> ReleaseGranted:
    """The release of an item."""
    assert item.event is not None
    assert isinstance(item.event.data, ReleaseGranted)
    return item.event.data


@dataclass
class Books:
    """Audit, and agencies that report to it what stands in their books."""

    bench: ServiceBench
    client: httpx.AsyncClient
    saying: Saying = field(default_factory=Saying)

    async def open(self, *, course: Course | None = None) -> ReleaseGranted:
        """Let the desk open something that the clinic has sent, a minute after everything before."""
        self.saying.now += timedelta(minutes=1)
        course = course or Course(self.saying)
        opened = course.opened(IDS.new(), 1)
        await self.bench.handle(course.submitted(), opened)
        return granted(opened)

    def manifest(
        self, by: SendingAgency, side: ProvisionSide, *records: tuple[str, str], message_id: str | None = None
    ) -> ReportProvisions:
        """What an agency says of its records: release ids with their digests."""
        return ReportProvisions(
            id=message_id or IDS.new(),
            source=f"agency/{by.id}",
            time=self.saying.now,
            actor=f"coordinator:{by.coordinator}",
            appointment=by.appointment,
            data=ProvisionsRecorded(
                side=side, records=tuple(RecordKept(release_id=one, digest=other) for one, other in records)
            ),
        )

    async def post(self, manifest: ReportProvisions, by: SendingAgency) -> httpx.Response:
        """Bring a report over HTTP."""
        self.bench.call_as(f"coordinator:{by.coordinator}", by.id)
        content = by.message(manifest).to_bytes()
        return await self.client.post("/provision-records", content=content, headers={"Idempotency-Key": IDS.new()})

    async def report(self, by: SendingAgency, side: ProvisionSide, *releases: ReleaseGranted) -> None:
        """Report records as they must be."""
        records = [(each.release_id, facts(each).digest) for each in releases]
        answer = await self.post(self.manifest(by, side, *records), by)
        assert answer.status_code == 201, answer.text

    async def gaps(self, by: SendingAgency | str, **params: str | int) -> list[tuple[str, str, str]]:
        """The gaps that an agency or an auditor is told: release, and how each side's record stands."""
        page = await self.ask("/provision-records/gaps", by, **params)
        return [(each["release_id"], each["provided"], each["received"]) for each in page["items"]]

    async def unplaced(self, by: SendingAgency | str) -> list[str]:
        """The releases of records of which no opening is known."""
        return [each["release_id"] for each in (await self.ask("/provision-records/unplaced", by))["items"]]

    async def ask(self, path: str, by: SendingAgency | str, **params: str | int) -> dict[str, list[dict[str, str]]]:
        """What is answered to an agency or to an auditor, after the time in which both sides were to report."""
        self.bench.clock.at = self.saying.now + timedelta(days=DAYS, minutes=1)
        if isinstance(by, str):
            self.bench.call_as(by)
        else:
            self.bench.call_as(f"coordinator:{by.coordinator}", by.id)
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        page: dict[str, list[dict[str, str]]] = answer.json()
        return page


@pytest.fixture
async def books(make_database: MakeDatabase) -> AsyncIterator[Books]:
    """Audit on a fresh database, with agencies and an auditor of the clinic's and the desk's area."""
    async with service_bench("audit", make_database("audit").url, handle) as bench:
        routes = router(bench.database, bench.clock, timedelta(days=DAYS), timedelta(hours=72))
        async with bench.http(routes) as client:
            opened = Books(bench, client)
            members = [opened.saying.say(aggregate, data) for aggregate, data in membership_of(AGENCIES)]
            mandated = opened.saying.mandated("au-0001", (CLINIC.id, DESK.id), mandate_id="ma-0001")
            await bench.handle(*members, mandated)
            yield opened


async def test_what_both_sides_have_recorded_is_no_gap(books: Books) -> None:
    """Until then each side is told which record is missing, and an agency that is neither side nothing."""
    release = await books.open()
    assert await books.gaps(CLINIC) == await books.gaps(DESK) == [(release.release_id, "missing", "missing")]
    assert await books.gaps(NPO) == []

    await books.report(CLINIC, PROVIDED, release)
    assert await books.gaps(DESK) == [(release.release_id, "recorded", "missing")]
    await books.report(DESK, RECEIVED, release)

    assert await books.gaps(CLINIC) == await books.gaps(DESK) == []
    assert await books.unplaced(CLINIC) == []
    said = [each.data for each in await books.bench.heard() if isinstance(each.data, ProvisionReported)]
    assert [(each.agency_id, each.side, each.records) for each in said] == [
        (CLINIC.id, PROVIDED, 1),
        (DESK.id, RECEIVED, 1),
    ]


async def test_before_its_time_nothing_is_missing(books: Books) -> None:
    """An opening counts as a gap once both sides have had the set days."""
    await books.open()
    await books.ask("/provision-records/gaps", CLINIC)
    books.bench.clock.at = books.saying.now + timedelta(days=DAYS) - timedelta(minutes=1)

    answer = await books.client.get("/provision-records/gaps")

    assert answer.json() == {"items": [], "next": None}


async def test_a_record_of_something_else_differs(books: Books) -> None:
    """A digest that is not the opening's is told, also when both sides agree on it, and a right one puts it right."""
    release = await books.open()
    wrong = facts(release)._replace(section_id=IDS.new()).digest
    for by, side in ((CLINIC, PROVIDED), (DESK, RECEIVED)):
        await books.post(books.manifest(by, side, (release.release_id, wrong)), by)
    assert await books.gaps(CLINIC) == [(release.release_id, "differs", "differs")]

    await books.report(CLINIC, PROVIDED, release)
    await books.report(DESK, RECEIVED, release)
    assert await books.gaps(CLINIC) == []
    await books.post(books.manifest(DESK, RECEIVED, (release.release_id, wrong)), DESK)
    assert await books.gaps(CLINIC) == [(release.release_id, "recorded", "differs")]


async def test_nobody_records_for_another(books: Books) -> None:
    """A record by who is not that side fills no gap; to its reporter it is one of nothing, like any invented id."""
    release, invented = await books.open(), IDS.new()
    await books.report(NPO, PROVIDED, release)
    await books.report(NPO, RECEIVED, release)
    await books.report(DESK, PROVIDED, release)
    answer = await books.post(books.manifest(NPO, PROVIDED, (invented, facts(release).digest)), NPO)

    assert answer.status_code == 201
    assert await books.gaps(CLINIC) == [(release.release_id, "missing", "missing")]
    assert sorted(await books.unplaced(NPO)) == sorted([release.release_id, release.release_id, invented])
    assert await books.unplaced(DESK) == [release.release_id]
    assert await books.unplaced(CLINIC) == []


async def test_a_record_that_comes_before_its_opening_is_matched_when_that_comes(books: Books) -> None:
    """What agencies say over HTTP may overtake what audit reads from Kafka."""
    books.saying.now += timedelta(minutes=1)
    course = Course(books.saying)
    item = course.opened(IDS.new(), 1)
    for by, side in ((CLINIC, PROVIDED), (DESK, RECEIVED)):
        await books.report(by, side, granted(item))
    assert await books.unplaced(CLINIC) == [granted(item).release_id]

    await books.bench.handle(course.submitted(), item)

    assert await books.unplaced(CLINIC) == await books.unplaced(DESK) == []
    assert await books.gaps(CLINIC) == []


async def test_a_report_counts_once(books: Books) -> None:
    """The same message again, at the same time too, changes nothing; other content under its id is refused."""
    release = await books.open()
    manifest = books.manifest(CLINIC, PROVIDED, (release.release_id, facts(release).digest))

    both = await asyncio.gather(*(books.post(manifest, CLINIC) for _ in range(2)))
    other = books.manifest(CLINIC, RECEIVED, (release.release_id, facts(release).digest), message_id=manifest.id)
    refused = await books.post(other, CLINIC)

    assert sorted(answer.status_code for answer in both) == [200, 201]
    assert both[0].json() == both[1].json()
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_id")
    assert len([each for each in await books.bench.heard() if isinstance(each.data, ProvisionReported)]) == 1


async def test_only_an_agency_itself_reports_under_an_appointment(books: Books) -> None:
    """Another agency's signature, coordinator or appointment is refused, and what is not signed too."""
    release = await books.open()
    record = (release.release_id, facts(release).digest)
    forged = books.manifest(CLINIC, PROVIDED, record).model_copy(update={"source": f"agency/{DESK.id}"})
    borrowed = books.manifest(CLINIC, PROVIDED, record).model_copy(update={"appointment": DESK.appointment})

    answers = [await books.post(each, CLINIC) for each in (forged, borrowed)]

    assert [answer.json()["code"] for answer in answers] == ["unknown_key", "appointment_of_another"]
    assert await books.gaps(CLINIC) == [(release.release_id, "missing", "missing")]


async def test_an_auditor_sees_the_gaps_of_the_mandate(books: Books) -> None:
    """Those of its agencies and areas, and the question is in the log; without a mandate nothing is shown."""
    release = await books.open()
    beyond = Course(books.saying, addressee="minato-desk-shiba", area=Area.SHIBA)
    await books.open(course=beyond)
    await books.report(NPO, PROVIDED, release)

    assert await books.gaps("auditor:au-0001") == [(release.release_id, "missing", "missing")]
    assert await books.unplaced("auditor:au-0001") == []
    [gaps, unplaced] = [each.data for each in await books.bench.heard() if isinstance(each.data, QueryAnswered)]
    assert (gaps.query, gaps.rows, unplaced.query) == ("provision_gaps", 1, "provisions_unplaced")
    books.bench.call_as("auditor:au-0002")
    answer = await books.client.get("/provision-records/gaps")
    assert (answer.status_code, answer.json()["code"]) == (403, RefusalCode.MANDATE_REQUIRED)


async def test_pages_of_gaps(books: Books) -> None:
    """Every gap comes once, oldest first; what is misspelt is refused."""
    releases = [(await books.open()).release_id for _ in range(5)]
    seen: list[str] = []
    part: dict[str, str | int] = {"limit": 2}
    while True:
        page = await books.ask("/provision-records/gaps", DESK, **part)
        seen += [each["release_id"] for each in page["items"]]
        if page["next"] is None:
            break
        part["cursor"] = str(page["next"])

    assert seen == releases
    for misspelt in ({"cursor": "x"}, {"agency": CLINIC.id}):
        assert (await books.client.get("/provision-records/gaps", params=misspelt)).status_code == 422
