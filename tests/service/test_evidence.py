"""Sealed evidence in `audit`: what may come in, whole and in little memory, and who has it opened."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import pytest

from services.audit.api import router
from services.audit.storage import tables
from services.audit.subscribers import handle
from services.audit.use_cases.evidence import Spool
from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, YEAR, membership_of
from tests.builders.evidence import PDF, Evidence, evidence_of
from tests.builders.said import Course, Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts import jose
from tsunagu_contracts.codes import Area, Field, Role
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.events.audit import EvidenceOpened, EvidenceOpeningAsked, EvidenceRefused, EvidenceStored
from tsunagu_contracts.events.directory import AppointmentGranted
from tsunagu_contracts.evidence import open_evidence
from tsunagu_contracts.limits import DEFAULT_LIMITS
from tsunagu_contracts.manifests import MANIFEST_TYP, EvidenceGiven, OpenEvidence, sign_manifest
from tsunagu_contracts.messages import AgencyMessage

COUNCIL = SendingAgency(id="chiyoda-council", coordinator="c-0016", appointment="ap-0016")
CENTER = SendingAgency(id="minato-council", coordinator="c-0038", appointment="ap-0038")
WITHIN = timedelta(hours=72)
LARGEST = DEFAULT_LIMITS.evidence


@dataclass
class Keeping:
    """Audit with two custodians whose coordinators are supervisors, and a referral from the clinic to the desk."""

    bench: ServiceBench
    client: httpx.AsyncClient
    saying: Saying = field(default_factory=Saying)

    async def begin(self) -> str:
        """Let the network be known, and a referral; returns its id."""
        course = Course(self.saying)
        known = membership_of((CLINIC, DESK, COUNCIL, CENTER))
        for each in (COUNCIL, CENTER):
            granted = AppointmentGranted(
                appointment_id=f"{each.appointment}-lead",
                coordinator_id=each.coordinator,
                agency_id=each.id,
                role=Role.SUPERVISOR,
                field=Field.COMMUNITY,
                areas=(Area.FUJIMI,),
                valid_from=NOW - YEAR,
                valid_until=NOW + YEAR,
                granted_by="operator:o-1",
            )
            known.append((f"appointment:{granted.appointment_id}", granted))
        await self.bench.handle(*(self.saying.say(*one) for one in known), course.submitted())
        return course.referral_id

    def evidence(self, referral_id: str, content: bytes = PDF, *, by: SendingAgency = DESK) -> Evidence:
        """Evidence of a statement of the desk's."""
        return evidence_of(by, IDS.new(), referral_id, (COUNCIL, CENTER), content)

    async def post(self, evidence: Evidence, file: bytes | None = None, token: str | None = None) -> httpx.Response:
        """Bring evidence as its recorder, in pieces; its own file and manifest, unless given."""
        content = evidence.sealed.file if file is None else file
        message = AgencyMessage(token or evidence.token).to_bytes()

        async def pieces() -> AsyncIterator[bytes]:
            yield message[:100]
            yield message[100:] + b"\n" + content[:10]
            for start in range(10, len(content), 1 << 16):
                yield content[start : start + (1 << 16)]

        by = evidence.recorder
        self.bench.call_as(f"coordinator:{by.coordinator}", by.id)
        return await self.client.post("/evidence", content=pieces(), headers={"Idempotency-Key": IDS.new()})

    async def ask(self, manifest: OpenEvidence, by: SendingAgency) -> httpx.Response:
        """Ask for an opening."""
        message = AgencyMessage(sign_manifest(manifest, by.signing)).to_bytes()
        self.bench.call_as(f"coordinator:{by.coordinator}", by.id)
        headers = {"Idempotency-Key": IDS.new()}
        return await self.client.post("/evidence/openings", content=message, headers=headers)

    async def fetch(self, evidence: Evidence, dispute_id: str, by: SendingAgency) -> httpx.Response:
        """Fetch the sealed file."""
        self.bench.call_as(f"coordinator:{by.coordinator}", by.id)
        return await self.client.get(f"/evidence/{evidence.id}/file", params={"dispute_id": dispute_id})


def lead(custodian: SendingAgency) -> SendingAgency:
    """The custodian with its coordinator acting as supervisor."""
    return replace(custodian, appointment=f"{custodian.appointment}-lead")


ONE, OTHER = lead(COUNCIL), lead(CENTER)


@pytest.fixture
async def keeping(make_database: MakeDatabase) -> AsyncIterator[Keeping]:
    """Audit on a fresh database."""
    async with (
        service_bench("audit", make_database("audit").url, handle) as bench,
        bench.http(router(bench.database, bench.clock, timedelta(days=7), WITHIN)) as client,
    ):
        yield Keeping(bench, client)


async def test_evidence_is_kept_once_as_it_came(keeping: Keeping) -> None:
    """The sealed file is kept and said in one transaction; the same file again changes nothing, whatever brings it."""
    evidence = keeping.evidence(await keeping.begin())
    again = replace(evidence, manifest=evidence.manifest.model_copy(update={"id": IDS.new()}))

    answers = [await keeping.post(each) for each in (evidence, evidence, again)]

    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.text for answer in answers}) == 1
    [said] = [event for event in await keeping.bench.heard() if isinstance(event.data, EvidenceStored)]
    assert isinstance(said.data, EvidenceStored)
    assert (said.aggregate, said.cause) == (f"evidence:{evidence.id}", f"appointment:{DESK.appointment}@1")
    assert said.data.model_dump() == evidence.stored().model_dump() | {"manifest": said.data.manifest}
    [piece] = await keeping.bench.rows(tables.evidence_pieces)
    assert piece["content"] == evidence.sealed.file


async def test_one_file_brought_twice_at_once_is_kept_once(keeping: Keeping) -> None:
    """Of two at once one keeps it, and the other is told so."""
    evidence = keeping.evidence(await keeping.begin())
    answers = await asyncio.gather(keeping.post(evidence), keeping.post(evidence))
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert len(await keeping.bench.heard()) == 1


async def test_the_largest_file_is_kept_and_one_byte_more_is_not(keeping: Keeping) -> None:
    """20 MB of content go in and come out in pieces; of what is larger nothing is kept."""
    referral_id = await keeping.begin()
    largest = keeping.evidence(referral_id, PDF + bytes(LARGEST - len(PDF)))
    assert (await keeping.post(largest)).status_code == 201
    assert len(await keeping.bench.rows(tables.evidence_pieces)) > 100

    evidence = keeping.evidence(referral_id)
    file = jose.seal_body(PDF + bytes(LARGEST + 1 - len(PDF)), bytes(32), evidence.id).encode()
    given = evidence.manifest.data.model_copy(update={"size": len(file), "digest": digest(file)})
    larger = replace(evidence, manifest=evidence.manifest.model_copy(update={"data": given}))
    answer = await keeping.post(larger, file)
    assert (answer.status_code, answer.json()["code"]) == (413, "oversize")
    assert [row["evidence_id"] for row in await keeping.bench.rows(tables.evidence)] == [largest.id]


async def test_a_file_on_its_way_in_takes_little_memory(keeping: Keeping) -> None:
    """However large a file is, the service holds a few pieces of it."""
    evidence = keeping.evidence("r-1", PDF + bytes(LARGEST - len(PDF)))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(evidence.sealed.file), 1 << 16):
            yield evidence.sealed.file[start : start + (1 << 16)]

    tracemalloc.start()
    try:
        spool = await Spool.filled(pieces(), evidence.manifest)
        assert sum(len(piece) for piece in spool.pieces()) == len(evidence.sealed.file)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
        spool.close()
    finally:
        tracemalloc.stop()


Change = Callable[[EvidenceGiven], dict[str, object]]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda given: {"shares": (given.shares[0], given.shares[0])}, 422, "custodian_not_allowed"),
        (lambda given: {"shares": _shares(given, DESK.id)}, 422, "custodian_not_allowed"),
        (lambda given: {"shares": _shares(given, "nobody-here")}, 422, "custodian_not_allowed"),
        (lambda given: {"shares": _swapped(given)}, 422, "unknown_key"),
        (lambda given: {"referral_id": "another"}, 404, "referral_unknown"),
        (lambda given: {"media_type": "text/plain"}, 422, "invalid_content"),
        (lambda given: {"digest": digest("another file")}, 422, "digest_mismatch"),
        (lambda given: {"size": given.size - 1}, 413, "oversize"),
        (lambda given: {"size": given.size + 1}, 422, "digest_mismatch"),
        (lambda given: {"evidence_id": "another"}, 422, "header_not_allowed"),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_is_kept(
    keeping: Keeping, change: Change, status: int, code: str
) -> None:
    """Custodians, shares, referral, kind, size, digest and id must be what they are said to be."""
    evidence = keeping.evidence(await keeping.begin())
    content = json.loads(evidence.manifest.model_dump_json())
    edited = {
        name: [each.model_dump() for each in value] if name == "shares" else value  # type: ignore[attr-defined]
        for name, value in change(evidence.manifest.data).items()
    }
    content["data"] |= edited
    token = jose.sign(json.dumps(content).encode(), DESK.signing, typ=MANIFEST_TYP)

    answer = await keeping.post(evidence, token=token)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not await keeping.bench.rows(tables.evidence)
    said = [event.data for event in await keeping.bench.heard()]
    assert all(isinstance(each, EvidenceRefused) for each in said)
    # A message that cannot be read is nobody's.
    assert [each.code for each in said if isinstance(each, EvidenceRefused)] == [code] * (code != "invalid_content")


def _shares(given: EvidenceGiven, custodian: str) -> Sequence[object]:
    return (given.shares[0], given.shares[1].model_copy(update={"custodian": custodian}))


def _swapped(given: EvidenceGiven) -> Sequence[object]:
    one, other = given.shares
    return (one.model_copy(update={"share": other.share}), other.model_copy(update={"share": one.share}))


async def test_a_truncated_file_and_one_in_clear_are_refused(keeping: Keeping) -> None:
    """What breaks off is not kept, nor what nobody has sealed, whatever its digest."""
    evidence = keeping.evidence(await keeping.begin())
    given = evidence.manifest.data.model_copy(update={"size": len(PDF), "digest": digest(PDF)})
    clear = replace(evidence, manifest=evidence.manifest.model_copy(update={"data": given}))

    answers = [await keeping.post(evidence, evidence.sealed.file[:-1]), await keeping.post(clear, PDF)]

    assert [answer.json()["code"] for answer in answers] == ["digest_mismatch", "token_malformed"]
    assert not await keeping.bench.rows(tables.evidence)


async def test_another_agency_and_another_file_under_a_known_id(keeping: Keeping) -> None:
    """An id that is taken is refused to everybody else, and for everything else."""
    referral_id = await keeping.begin()
    evidence = keeping.evidence(referral_id)
    await keeping.post(evidence)
    source = {"source": f"agency/{CLINIC.id}", "actor": f"coordinator:{CLINIC.coordinator}"}
    copied = evidence.manifest.model_copy(update=source | {"appointment": CLINIC.appointment})
    given = evidence.manifest.data.model_copy(update={"statement_id": "another"})
    others = (
        replace(evidence, recorder=CLINIC, manifest=copied),
        replace(evidence, manifest=evidence.manifest.model_copy(update={"data": given})),
    )
    for each in others:
        answer = await keeping.post(each)
        assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_id")


async def test_both_custodians_open_evidence_and_neither_alone(keeping: Keeping) -> None:
    """One asks and waits; when the other has asked too, both have the plain file, and who it was is on record."""
    evidence = keeping.evidence(await keeping.begin())
    await keeping.post(evidence)
    first, second = evidence.asked(ONE, OTHER, "d-1"), evidence.asked(OTHER, ONE, "d-1")

    waiting = await keeping.ask(first, ONE)
    assert (waiting.status_code, waiting.json()["share"]) == (202, None)
    assert (await keeping.fetch(evidence, "d-1", ONE)).json()["code"] == "evidence_not_opened"

    for manifest, by in ((second, OTHER), (first, ONE)):
        answer = await keeping.ask(manifest, by)
        assert answer.status_code == 201, answer.text
        file = (await keeping.fetch(evidence, "d-1", by)).content
        given = evidence.manifest.data
        assert open_evidence(given, file, by.id, by.encryption, answer.json()["share"], "d-1") == PDF
    said = [event.data for event in await keeping.bench.heard()][1:]
    assert [type(each) for each in said] == [EvidenceOpeningAsked, EvidenceOpeningAsked, EvidenceOpened]
    assert isinstance(said[2], EvidenceOpened)
    assert [each.appointment_id for each in said[2].opened_to] == [ONE.appointment, OTHER.appointment]


async def test_two_who_ask_at_once_do_not_miss_each_other(keeping: Keeping) -> None:
    """Of two custodians at the same moment the second one opens."""
    evidence = keeping.evidence(await keeping.begin())
    await keeping.post(evidence)
    asked = [(evidence.asked(ONE, OTHER, "d-1"), ONE), (evidence.asked(OTHER, ONE, "d-1"), OTHER)]

    # A caller of its own for each, which routes here take from the bench.
    async def ask(manifest: OpenEvidence, by: SendingAgency) -> int:
        bench = replace(keeping.bench)
        async with bench.http(router(bench.database, bench.clock, timedelta(days=7), WITHIN)) as client:
            return (await Keeping(bench, client).ask(manifest, by)).status_code

    assert sorted(await asyncio.gather(*(ask(*each) for each in asked))) == [201, 202]


async def test_different_disputes_and_old_askings_do_not_meet(keeping: Keeping) -> None:
    """Only two who ask for the same dispute within the set time open anything; afterwards it is shut again."""
    evidence = keeping.evidence(await keeping.begin())
    await keeping.post(evidence)
    assert (await keeping.ask(evidence.asked(ONE, OTHER, "d-1"), ONE)).status_code == 202
    assert (await keeping.ask(evidence.asked(OTHER, ONE, "d-2"), OTHER)).status_code == 202

    keeping.bench.clock.at += WITHIN
    assert (await keeping.ask(evidence.asked(OTHER, ONE, "d-1"), OTHER)).status_code == 202
    assert (await keeping.ask(evidence.asked(ONE, OTHER, "d-1"), ONE)).status_code == 201
    keeping.bench.clock.at += WITHIN
    assert (await keeping.fetch(evidence, "d-1", ONE)).json()["code"] == "evidence_not_opened"


async def test_nobody_else_opens_or_sees_evidence(keeping: Keeping) -> None:
    """Not the recorder, no other agency, no custodian's worker who is no supervisor, nobody who has not asked."""
    evidence = keeping.evidence(await keeping.begin())
    await keeping.post(evidence)
    own = evidence.asked(ONE, OTHER, "d-1")
    stranger = own.model_copy(
        update={"source": f"agency/{DESK.id}", "actor": f"coordinator:{DESK.coordinator}", "appointment": "ap-0002"}
    )
    assert (await keeping.ask(stranger, DESK)).json()["code"] == "evidence_unknown"
    worker = evidence.asked(COUNCIL, OTHER, "d-1")
    assert (await keeping.ask(worker, COUNCIL)).json()["code"] == "not_permitted"
    to_itself = evidence.asked(ONE, ONE, "d-1")
    assert (await keeping.ask(to_itself, ONE)).json()["code"] == "unknown_key"
    keeping.bench.call_as(f"coordinator:{DESK.coordinator}", DESK.id)
    assert (await keeping.client.get(f"/evidence/{evidence.id}")).json()["code"] == "evidence_unknown"
    await keeping.ask(own, ONE)
    await keeping.ask(evidence.asked(OTHER, ONE, "d-1"), OTHER)
    assert (await keeping.fetch(evidence, "d-1", DESK)).json()["code"] == "evidence_unknown"
    assert (await keeping.fetch(evidence, "d-2", ONE)).json()["code"] == "evidence_not_opened"
