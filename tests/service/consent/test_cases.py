"""A person's requests: every agency that holds something answers for its own part, and learns of no other."""

import asyncio
from datetime import timedelta

import httpx

from services.consent.api.cases import CasePart
from services.consent.use_cases.cases import notice_overdue
from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent
from tests.builders.wishes import answering, opening
from tsunagu_contracts.codes import CaseEnd, CaseKind, CaseRefusal, Category, StatementKind
from tsunagu_contracts.events.consent import CaseAnswered, CaseAsked, CaseClosed, CaseOpened, CaseOverdue

CASE_DAYS = 14


async def opened(bench: Bench, kind: CaseKind = CaseKind.ACCESS) -> Sent:
    """A person whom the clinic has referred to the desk, which has opened a section, with a request of theirs."""
    sent = await bench.refer(reference=IDS.new())
    await bench.say(sent, StatementKind.GRANT, Category.HEALTH)
    bench.opened(await bench.ask(sent))
    answer = await bench.post("/cases", opening(CLINIC, bench, sent, kind=kind), by=CLINIC)
    assert answer.status_code == 201, answer.text
    return sent


async def parts(bench: Bench, agency: SendingAgency, *, answered: bool = False) -> list[dict[str, object]]:
    """What an agency is to answer for."""
    answer = await bench.client.get("/cases", params={"answered": answered}, headers=bench.headers(agency))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def part_of(bench: Bench, agency: SendingAgency) -> str:
    """The id of the one part that an agency is to answer for."""
    [part] = await parts(bench, agency)
    return str(part["part_id"])


def code(answer: httpx.Response) -> tuple[int, str]:
    """How something was refused."""
    return answer.status_code, answer.json()["code"]


async def test_each_who_holds_something_answers_for_its_own_part(bench: Bench) -> None:
    """Sender and opener are asked, by a date; the case closes with the last answer, on the record's numbers."""
    sent = await opened(bench)
    [own], [theirs] = await parts(bench, CLINIC), await parts(bench, DESK)
    assert own["referral_ids"] == theirs["referral_ids"] == [sent.id]
    [(_, case)] = await bench.heard(CaseOpened)
    bench.hear_again()
    asked = [data for _, data in await bench.heard(CaseAsked)]
    # Each part is said with its agency's own referral, so that a mandate bounds what an auditor sees of a case.
    assert [(each.agency_id, each.referral_id) for each in asked] == [(CLINIC.id, sent.id), (DESK.id, sent.id)]
    assert case.due_at - case.opened_at == timedelta(days=CASE_DAYS)

    first = await bench.post("/cases/answers", answering(CLINIC, str(own["part_id"])), by=CLINIC)
    assert not await bench.heard(CaseClosed)
    refused = answering(DESK, str(theirs["part_id"]), CaseEnd.REFUSED_BY_LAW, CaseRefusal.HARM_33_2_1)
    last = await bench.post("/cases/answers", refused, by=DESK)

    assert (first.status_code, last.status_code) == (201, 201)
    bench.hear_again()
    answers = [data for _, data in await bench.heard(CaseAnswered)]
    assert [(each.agency_id, each.end, each.refused_under) for each in answers] == [
        (CLINIC.id, CaseEnd.PROVIDED, None),
        (DESK.id, CaseEnd.REFUSED_BY_LAW, CaseRefusal.HARM_33_2_1),
    ]
    bench.hear_again()
    [(event, closed)] = await bench.heard(CaseClosed)
    assert event.version == closed.number == answers[-1].number + 1
    assert await parts(bench, CLINIC) == await parts(bench, DESK) == []
    [over] = await parts(bench, DESK, answered=True)
    assert (over["ended_as"], over["refused_under"]) == ("refused_by_law", "harm_33_2_1")


async def test_nobody_learns_who_else_knows_the_person(bench: Bench) -> None:
    """Whether one agency is asked or three: what the one that passed it on sees is alike, while it is open and after.

    What another agency is asked does not tell it where the request came in.
    """
    alone = await bench.refer(reference="alone")
    shared = await opened(bench)
    own = await bench.post("/cases", opening(CLINIC, bench, alone), by=CLINIC)
    again = await bench.post("/cases", opening(CLINIC, bench, shared), by=CLINIC)
    assert own.json().keys() == again.json().keys() == {"case_id", "opened_at", "due_at"}

    shapes = {frozenset(each) for each in (*await parts(bench, CLINIC), *await parts(bench, DESK))}
    assert shapes == {frozenset(CasePart.model_fields)}
    assert all(each["case_id"] is None for each in await parts(bench, DESK))
    assert {each["case_id"] for each in await parts(bench, CLINIC)} >= {own.json()["case_id"], again.json()["case_id"]}
    for each in await parts(bench, CLINIC):
        assert (await bench.post("/cases/answers", answering(CLINIC, str(each["part_id"])), by=CLINIC)).is_success
    bench.clock.at += timedelta(days=CASE_DAYS)
    await notice_overdue(bench.database)
    ended = await parts(bench, CLINIC, answered=True)
    assert {(each["ended_as"], each["overdue_at"]) for each in ended} == {("provided", None)}
    assert await parts(bench, NPO) == []


async def test_an_answer_is_taken_once(bench: Bench) -> None:
    """The same message again changes nothing, also at the same time; another answer, or its message, is refused."""
    await opened(bench)
    await opened(bench)
    first, second = [str(each["part_id"]) for each in await parts(bench, DESK)]
    manifest = answering(DESK, first)

    both = await asyncio.gather(*(bench.post("/cases/answers", manifest, by=DESK) for _ in range(2)))
    otherwise = await bench.post("/cases/answers", answering(DESK, first, CaseEnd.HOLDS_NOTHING), by=DESK)
    moved = answering(DESK, second).model_copy(update={"id": manifest.id})
    replayed = await bench.post("/cases/answers", moved, by=DESK)

    assert sorted(answer.status_code for answer in both) == [200, 201]
    assert both[0].json() == both[1].json()
    assert code(otherwise) == (409, "case_answered")
    assert code(replayed) == (409, "duplicate_id")
    assert len(await bench.heard(CaseAnswered)) == 1


async def test_the_last_two_answers_at_once_close_it_once(bench: Bench) -> None:
    """Whoever comes second under the person's lock closes the case."""
    await opened(bench)
    manifests = {agency: answering(agency, await part_of(bench, agency)) for agency in (CLINIC, DESK)}

    await asyncio.gather(*(bench.post("/cases/answers", said, by=agency) for agency, said in manifests.items()))

    assert len(await bench.heard(CaseClosed)) == 1


async def test_another_agencys_part_is_unknown(bench: Bench) -> None:
    """Somebody else's part and one that never was get one answer, whoever asks."""
    await opened(bench)
    theirs = await part_of(bench, DESK)

    for agency in (CLINIC, NPO):
        answers = [
            await bench.post("/cases/answers", answering(agency, part_id), by=agency) for part_id in (theirs, IDS.new())
        ]
        assert [code(answer) for answer in answers] == [(404, "case_unknown")] * 2
    assert not await bench.heard(CaseAnswered)


async def test_an_answer_to_something_else(bench: Bench) -> None:
    """A request is answered by what it asked for, or refused under an article that is about it."""
    for kind, end, under in (
        (CaseKind.ACCESS, CaseEnd.CEASED, None),
        (CaseKind.CESSATION, CaseEnd.PROVIDED, None),
        (CaseKind.CORRECTION, CaseEnd.REFUSED_BY_LAW, CaseRefusal.HARM_33_2_1),
    ):
        await opened(bench, kind)
        part_id = str((await parts(bench, DESK))[-1]["part_id"])

        answer = await bench.post("/cases/answers", answering(DESK, part_id, end, under), by=DESK)

        assert code(answer) == (422, "invalid_content")
    assert len(await parts(bench, DESK)) == 3


async def test_a_case_is_opened_once(bench: Bench) -> None:
    """The same message again changes nothing; another agency's id for its own case means nothing here."""
    sent = await bench.refer()
    manifest = opening(CLINIC, bench, sent)

    both = await asyncio.gather(*(bench.post("/cases", manifest, by=CLINIC) for _ in range(2)))
    other = opening(CLINIC, bench, sent, case_id=manifest.data.case_id, kind=CaseKind.CESSATION)
    refused = await bench.post("/cases", other, by=CLINIC)
    foreign = await bench.post("/cases", opening(DESK, bench, sent, case_id=manifest.data.case_id), by=DESK)

    assert sorted(answer.status_code for answer in both) == [200, 201]
    assert both[0].json() == both[1].json()
    assert code(refused) == (409, "duplicate_id")
    assert foreign.status_code == 201
    assert [data.opened_by.agency_id for _, data in await bench.heard(CaseOpened)] == [CLINIC.id, DESK.id]


async def test_requests_that_are_none(bench: Bench) -> None:
    """One of tomorrow, one by a stranger, and one by a representative whom nobody recorded or who no longer may."""
    sent = await bench.refer()
    now = bench.clock.now()
    ended = await bench.name_representative(
        sent, bounds={"valid_from": now - timedelta(days=2), "valid_until": now - timedelta(days=1)}
    )

    tomorrow = opening(CLINIC, bench, sent, received_at=now + timedelta(days=1))
    assert code(await bench.post("/cases", tomorrow, by=CLINIC)) == (422, "dated_in_future")
    assert code(await bench.post("/cases", opening(NPO, bench, sent), by=NPO)) == (404, "referral_unknown")
    nobody = opening(CLINIC, bench, sent, representative=IDS.new())
    assert code(await bench.post("/cases", nobody, by=CLINIC)) == (422, "representative_unknown")
    late = opening(CLINIC, bench, sent, representative=ended)
    assert code(await bench.post("/cases", late, by=CLINIC)) == (422, "representation_not_valid")
    assert not await bench.heard(CaseOpened)


async def test_what_is_overdue_is_told_once_and_may_still_be_answered(bench: Bench) -> None:
    """When the date has passed that is said of each part that nobody has answered, and of none twice."""
    await opened(bench)
    await bench.post("/cases/answers", answering(CLINIC, await part_of(bench, CLINIC)), by=CLINIC)
    await notice_overdue(bench.database)
    assert not await bench.heard(CaseOverdue)

    bench.clock.at += timedelta(days=CASE_DAYS)
    await asyncio.gather(*(notice_overdue(bench.database) for _ in range(2)))

    assert [data.agency_id for _, data in await bench.heard(CaseOverdue)] == [DESK.id]
    answer = await bench.post("/cases/answers", answering(DESK, await part_of(bench, DESK)), by=DESK)
    assert answer.status_code == 201
    assert len(await bench.heard(CaseClosed)) == 1
