"""Receipts: issued and revoked by agencies; their codes withdraw, and with a secret they view."""

import asyncio
import json
import logging
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.builders.agency_messages import IDS
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench
from tests.builders.receipts import SECRET, Door, issuing, revoking
from tests.infra.eventually import eventually
from tsunagu_agency import ActingCoordinator, Keystore, OutgoingMessage, Receipts
from tsunagu_agency.files import write_private
from tsunagu_contracts.codes import Category, CoverageState, Purpose, RepresentationGround, StatementKind
from tsunagu_contracts.events.consent import (
    ObligationIncurred,
    ReceiptIssued,
    ReceiptRevoked,
    ReleaseGranted,
    StatementWithdrawnByPerson,
)
from tsunagu_contracts.receipts import ReceiptCode, grouped

HEALTH, IDENTITY, CONTACT = Category.HEALTH, Category.IDENTITY, Category.CONTACT
GRANT = StatementKind.GRANT


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def door(bench: Bench) -> Door:
    """The person's own door."""
    return Door(bench)


async def test_a_receipt_is_given_once_and_its_code_is_kept_nowhere(bench: Bench, door: Door) -> None:
    """The code comes sealed to the agency, once; the record tells of the receipt, and nothing that is kept has it."""
    sent = await bench.refer()
    manifest = issuing(bench, sent)

    answers = [await bench.post("/receipts", manifest, by=CLINIC) for _ in range(2)]
    receipt = await door.receipt(sent)
    token = await door.with_secret(receipt)

    assert [answer.status_code for answer in answers] == [201, 200]
    assert [answer.json()["sealed"] is None for answer in answers] == [False, True]
    assert answers[0].headers["cache-control"] == "no-store"
    issued = [data for _, data in await bench.heard(ReceiptIssued)]
    assert [each.receipt_id for each in issued] == [manifest.data.receipt_id, receipt.receipt_id]
    everything = await bench.everything()
    for kept in (receipt.code, receipt.permission, token, SECRET):
        assert kept not in everything


async def test_an_agency_s_own_software(bench: Bench, door: Door, tmp_path: Path) -> None:
    """The client gets a receipt of which the code works, and revokes it."""
    sent = await bench.refer()
    keys = {"signing": CLINIC.signing.private_jwk(), "encryption": CLINIC.encryption.private_jwk()}
    write_private(tmp_path / "agency" / "keys.json", json.dumps({"agency_id": CLINIC.id, **keys}).encode())
    worker = ActingCoordinator(coordinator_id=CLINIC.coordinator, appointment_id=CLINIC.appointment)

    async def tell(route: str, message: OutgoingMessage, by: ActingCoordinator) -> dict[str, object]:
        answer = await bench.client.post(route, content=message.raw, headers=bench.headers(CLINIC, by.actor))
        told: dict[str, object] = answer.raise_for_status().json()
        return told

    receipts = Receipts(Keystore.open(tmp_path / "agency"), bench.clock, IDS, tell)
    issued = await receipts.issue(sent.id, by=worker, hidden_categories=[HEALTH])
    await door.with_secret(ReceiptCode(receipt_id=issued.receipt_id, code=issued.code, permission=issued.permission))
    await receipts.revoke(sent.id, issued.receipt_id, by=worker)

    assert code(await door.exchange(issued.code)) == (422, "receipt_not_valid")
    assert issued.code not in repr(issued)
    [(_, said)] = await bench.heard(ReceiptIssued)
    assert said.hidden_categories == (HEALTH,)


async def test_the_code_alone_withdraws(bench: Bench, door: Door) -> None:
    """Typed as people type, the code is enough: coverage goes, whoever has opened owes, and the actor is the person."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, IDENTITY)
    bench.opened(await bench.ask(sent))
    receipt = await door.receipt(sent)
    typed = grouped(receipt.code).lower().replace("0", "o").replace("1", "l").replace("-", " ")

    exchanged = await door.exchange(typed)
    answer = await door.withdraw(exchanged.json()["token"])

    assert exchanged.json()["scopes"] == ["withdraw"]
    assert answer.status_code == 201, answer.text
    assert (await bench.ask(sent)).json()["detail"]["reason"] == "withdrawn_by_person"
    assert {state for state, _ in (await bench.coverage(sent)).values()} == {CoverageState.REFUSED}
    bench.hear_again()
    [(event, said)] = await bench.heard(StatementWithdrawnByPerson)
    assert (event.actor, event.appointment, event.version) == ("person", None, said.number)
    assert (set(said.categories), said.recipients, set(said.purposes)) == (set(Category), None, set(Purpose))
    bench.hear_again()
    [(_, owed)] = await bench.heard(ObligationIncurred)
    assert (owed.agency_id, owed.number) == (DESK.id, said.number + 1)


async def test_a_part_is_withdrawn(bench: Bench, door: Door) -> None:
    """What is named is withdrawn, the rest stands; the same request again changes nothing."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, IDENTITY)
    token = await door.token((await door.receipt(sent)).code)

    wanted = {"categories": ["health"], "recipients": [DESK.id], "purposes": [each.value for each in Purpose]}
    answers = [await door.withdraw(token, key="once", **wanted) for _ in range(2)]
    other = await door.withdraw(token, key="once")

    assert answers[0].json() == answers[1].json()
    assert code(other) == (422, "idempotency_key_reused")
    assert len(await bench.heard(StatementWithdrawnByPerson)) == 1
    assert code(await bench.ask(sent)) == (403, "not_covered")
    bench.opened(await bench.ask(sent, IDENTITY))


async def test_two_withdrawals_at_once(bench: Bench, door: Door) -> None:
    """Two at the same moment each take a number of their own, and neither is lost."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    token = await door.token((await door.receipt(sent)).code)

    answers = await asyncio.gather(*(door.withdraw(token) for _ in range(2)))

    assert [answer.status_code for answer in answers] == [201, 201]
    numbers = [data.number for _, data in await bench.heard(StatementWithdrawnByPerson)]
    assert numbers[1] == numbers[0] + 1


async def test_a_withdrawal_while_a_release_is_on_its_way(bench: Bench, door: Door) -> None:
    """Of a withdrawal and releases that wait for the same row, no key goes out after the withdrawal's number."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    token = await door.token((await door.receipt(sent)).code)

    async def all_wait() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with bench.database.reading() as session:
            return bool(await session.scalar(sa.text(query)) == 4)

    async with bench.database.work() as work:
        await work.session.execute(sa.text("SELECT 1 FROM persons FOR UPDATE"))
        asking = [asyncio.create_task(bench.ask(sent)) for _ in range(3)]
        withdrawing = asyncio.create_task(door.withdraw(token))
        await eventually(all_wait)
    answers = await asyncio.gather(*asking)

    assert (await withdrawing).status_code == 201
    [(_, said)] = await bench.heard(StatementWithdrawnByPerson)
    bench.hear_again()
    granted = [data.number for _, data in await bench.heard(ReleaseGranted)]
    assert all(number < said.number for number in granted)
    assert len(granted) == sum(answer.status_code == 201 for answer in answers)
    assert code(await bench.ask(sent)) == (403, "not_covered")


async def test_what_opens_nothing(bench: Bench, door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """An unknown code, a mistyped one, a wrong secret, one that was never set, a revoked and an ended receipt: one
    answer for all of them, and no log has what was typed.
    """
    caplog.set_level(logging.INFO)
    sent = await bench.refer()
    guarded, plain, lost = [await door.receipt(sent) for _ in range(3)]
    await door.with_secret(guarded)
    for _ in range(2):
        await bench.post("/receipts/revocations", revoking(bench, sent, lost.receipt_id, by=DESK), by=DESK)
    unknown = (await Door(bench).receipt(await bench.refer(reference="another"))).code[::-1]

    answers = [
        await door.exchange(unknown),
        await door.exchange("0000"),
        await door.exchange(unknown, SECRET),
        await door.exchange(guarded.code, "another secret"),
        await door.exchange(plain.code, SECRET),
        await door.exchange(lost.code),
    ]
    bench.clock.at += timedelta(days=365)
    answers.append(await door.exchange(guarded.code, SECRET))

    assert {code(answer) for answer in answers} == {(422, "receipt_not_valid")}
    assert len({answer.content for answer in answers}) == 1
    assert len(await bench.heard(ReceiptRevoked)) == 1
    for typed in (guarded.code, SECRET, unknown):
        assert typed not in caplog.text


async def test_a_secret_is_guessed_five_times_and_no_more(bench: Bench, door: Door) -> None:
    """After five wrong secrets the right one is refused like them for an hour, and the code alone still withdraws."""
    sent = await bench.refer()
    receipt = await door.receipt(sent)
    await door.with_secret(receipt)

    guesses = [door.exchange(receipt.code, f"wrong number {number}") for number in range(5)]
    answers = [*await asyncio.gather(*guesses), await door.exchange(receipt.code, SECRET)]

    assert {code(answer) for answer in answers} == {(422, "receipt_not_valid")}
    assert (await door.withdraw(await door.token(receipt.code))).status_code == 201
    bench.clock.at += timedelta(hours=1)
    assert (await door.exchange(receipt.code, SECRET)).json()["scopes"] == ["withdraw", "view"]


async def test_codes_are_guessed_so_often_and_no_more(bench: Bench, door: Door) -> None:
    """When too many exchanges have failed in a minute the next wrong ones are put off, and a right code is not."""
    sent = await bench.refer()
    receipt = await door.receipt(sent)
    wrong = receipt.code[::-1]
    for _ in range(20):
        assert code(await door.exchange(wrong)) == (422, "receipt_not_valid")

    put_off = [await door.exchange(*typed) for typed in ((wrong,), (wrong, SECRET), (receipt.code, SECRET))]

    assert {code(answer) for answer in put_off} == {(429, "too_many_tries")}
    assert put_off[0].headers["retry-after"] == "60"
    assert (await door.withdraw(await door.token(receipt.code))).status_code == 201
    bench.clock.at += timedelta(minutes=1)
    assert code(await door.exchange(wrong)) == (422, "receipt_not_valid")


async def test_whoever_finds_the_paper_sets_no_secret(bench: Bench, door: Door) -> None:
    """The first secret needs the permission, of this receipt, once and in time; a try at it is one of the five."""
    sent = await bench.refer()
    receipt, other = await door.receipt(sent), await door.receipt(sent)
    token = await door.token(receipt.code)

    answers = [await door.set_secret(token, permission=tried) for tried in (None, other.permission, "00000000")]
    assert {code(answer) for answer in answers} == {(422, "receipt_not_valid")}
    assert code(await door.set_secret(token, "short", receipt.permission)) == (422, "invalid_content")

    both = await asyncio.gather(*(door.set_secret(token, permission=receipt.permission) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) in ([204, 401], [204, 422])
    again = await door.set_secret(await door.token(receipt.code), "quite another", receipt.permission)
    assert code(again) == (422, "receipt_not_valid")

    viewing = await door.token(receipt.code, SECRET)
    assert (await door.set_secret(viewing, "quite another")).status_code == 204
    assert code(await door.view(viewing)) == (401, "unauthenticated")
    assert code(await door.exchange(receipt.code, SECRET)) == (422, "receipt_not_valid")
    await door.token(receipt.code, "quite another")
    bench.clock.at += timedelta(days=7)
    late = await door.set_secret(await door.token(other.code), permission=other.permission)
    assert code(late) == (422, "receipt_not_valid")


async def test_a_permission_cannot_be_guessed(bench: Bench, door: Door) -> None:
    """After five wrong permissions the right one is refused like them."""
    receipt = await door.receipt(await bench.refer())
    token = await door.token(receipt.code)

    answers = [await door.set_secret(token, permission="0000-0000") for _ in range(5)]
    answers.append(await door.set_secret(token, permission=receipt.permission))

    assert {code(answer) for answer in answers} == {(422, "receipt_not_valid")}


async def test_tokens_that_open_nothing(bench: Bench, door: Door) -> None:
    """One that has expired, whose receipt was revoked, an agency's, a code, none at all, or one in an address."""
    sent = await bench.refer()
    receipt, lost = await door.receipt(sent), await door.receipt(sent)
    token, of_lost = await door.token(receipt.code), await door.token(lost.code)
    await bench.post("/receipts/revocations", revoking(bench, sent, lost.receipt_id), by=CLINIC)
    agency = bench.headers(CLINIC)["Authorization"].removeprefix("Bearer ")

    for wrong in (of_lost, agency, receipt.code, "-"):
        assert code(await door.withdraw(wrong)) == (401, "unauthenticated")
        assert code(await door.set_secret(wrong, "short")) == (401, "unauthenticated")
        assert code(await door.view(wrong, "no language")) == (401, "unauthenticated")
    in_address = await bench.client.post(
        "/person/withdrawals", params={"token": token}, json={}, headers={"Idempotency-Key": IDS.new()}
    )
    assert code(in_address) == (422, "invalid_content")
    assert code(await bench.client.post("/person/tokens", params={"code": receipt.code}, json={})) == (
        422,
        "invalid_content",
    )
    bench.clock.at += timedelta(minutes=10)
    assert code(await door.withdraw(token)) == (401, "unauthenticated")
    assert not await bench.heard(StatementWithdrawnByPerson)


async def test_a_person_s_token_is_nothing_to_agencies_routes(bench: Bench, door: Door) -> None:
    """With it nobody calls as an agency, and without an agency's word nobody issues or revokes."""
    sent = await bench.refer()
    receipt = await door.receipt(sent)
    headers = {"Authorization": f"Bearer {await door.token(receipt.code)}", "Idempotency-Key": IDS.new()}
    assert code(await bench.client.get("/obligations", headers=headers)) == (401, "unauthenticated")

    stranger = await bench.post("/receipts", issuing(bench, sent, by=NPO), by=NPO)
    other = await bench.refer(reference="other", sender=NPO)
    theirs = await bench.post("/receipts/revocations", revoking(bench, other, receipt.receipt_id, by=NPO), by=NPO)
    nothing = await bench.post("/receipts/revocations", revoking(bench, other, IDS.new(), by=NPO), by=NPO)

    assert code(stranger) == (404, "referral_unknown")
    assert theirs.content == nothing.content
    assert code(theirs) == (404, "receipt_unknown")
    await door.token(receipt.code)


async def test_a_representative_withdraws_within_their_scope(bench: Bench, door: Door) -> None:
    """By their own receipt a representative takes back what is theirs to say, and nothing once they are none."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, IDENTITY)
    proxy = await bench.name_representative(
        sent, RepresentationGround.PROXY, bounds={"categories": (IDENTITY, CONTACT)}
    )
    receipt = await door.receipt(sent, representative=proxy)
    token = await door.token(receipt.code)

    assert code(await door.withdraw(token, categories=["health"])) == (422, "beyond_scope")
    assert (await door.withdraw(token)).status_code == 201
    [(event, said)] = await bench.heard(StatementWithdrawnByPerson)
    assert (event.actor, said.categories) == ("representative", (IDENTITY, CONTACT))
    assert said.representation is not None
    assert said.representation.representative_id == proxy
    bench.opened(await bench.ask(sent))
    assert code(await bench.ask(sent, IDENTITY)) == (403, "not_covered")

    bench.clock.at += timedelta(minutes=1)
    await bench.name_representative(sent, bounds={"representative_id": proxy, "valid_until": bench.clock.now()})
    assert code(await door.withdraw(token)) == (401, "unauthenticated")
    assert code(await door.exchange(receipt.code)) == (422, "receipt_not_valid")
    unknown = await bench.post("/receipts", issuing(bench, sent, representative=IDS.new()), by=CLINIC)
    assert code(unknown) == (422, "representative_unknown")
