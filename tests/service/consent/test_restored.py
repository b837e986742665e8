"""A database restored from a backup is told by the log what it has forgotten before anybody is served."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa

from deploy.provisioning.databases import connect
from services.consent.keystore.files import kept_in
from services.consent.use_cases import restoring
from services.consent.use_cases.restoring import ForeignLogError
from services.consent.use_cases.retelling import retell
from services.eventing.records import Item
from tests.builders.agency_messages import IDS
from tests.builders.consent_bench import CLINIC, DESK, WARD, Bench, Sent
from tests.builders.erasing import OutboxLog, erasure
from tests.infra.infrastructure import Infrastructure
from tests.service.consent.test_erasures import erase
from tsunagu_contracts.codes import Area, Category, DisasterAct, ObligationEnd, RefusalCode, StatementKind
from tsunagu_contracts.envelope import decode_event, encode_event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.topics import COVERAGE, RECORDS

HEALTH, CONTACT = Category.HEALTH, Category.CONTACT
GRANT, REFUSE, WITHDRAW, _ = StatementKind
TOLD_BY_THE_RECORD = (
    "persons (record_id, number)",
    "statements",
    "representatives",
    "supports",
    "disasters",
    "obligations",
    "releases",
    "erasures (record_id, number, erasure_id, handle_ids, recorded_at, agency_id, message_id, manifest)",
    "streams",
)
TAKEN_IN_AGAIN = (
    "referrals (referral_id, record_id, handle_id, sender, addressee, purpose, state, capsule, erased)",
    "sections",
    "person_references",
)


@dataclass
class Loss:
    """Backups of the bench's database and of its key store, and the way back to them."""

    bench: Bench
    infra: Infrastructure
    name: str

    async def back_up(self) -> None:
        """Copy both as they stand now."""
        await self._execute(f'CREATE DATABASE "{self.name}_old" TEMPLATE "{self.name}" OWNER "{self.name}"')
        for folder in self.bench.store.folders:
            shutil.copytree(folder, folder.with_name(f"{folder.name}-old"))

    async def put_back(self, *, keys: bool = False) -> OutboxLog:
        """Put the old database in place, and the old key store if asked; returns all that was said until then."""
        async with self.bench.database.reading() as session:
            rows = await session.execute(sa.text("SELECT topic, key, value FROM outbox ORDER BY id"))
            log = OutboxLog([(row.topic, row.key, row.value) for row in rows])
        await self._execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        await self._execute(f'ALTER DATABASE "{self.name}_old" RENAME TO "{self.name}"')
        if keys:
            for folder in self.bench.store.folders:
                shutil.rmtree(folder)
                shutil.copytree(folder.with_name(f"{folder.name}-old"), folder)
        return log

    async def _execute(self, statement: str) -> None:
        await self.bench.database.engine.dispose()
        async with connect(self.infra.postgres) as connection:
            await connection.execute(statement)


@pytest.fixture
async def loss(bench: Bench, infra: Infrastructure) -> AsyncIterator[Loss]:
    """Backups of the bench's database and keys; a copy of the database that nobody has put back is dropped."""
    name = bench.database.engine.url.database
    assert name is not None
    yield Loss(bench, infra, name)
    async with connect(infra.postgres) as connection:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}_old" WITH (FORCE)')


async def begin(bench: Bench, log: OutboxLog) -> None:
    """Start on the database as the service does."""
    await restoring.begin(bench.database, bench.custody, log, asyncio.Event())


async def rows_of(bench: Bench, tables: Sequence[str]) -> dict[str, list[str]]:
    """The rows of these tables (with columns in brackets, only those), in no order that matters."""
    found: dict[str, list[str]] = {}
    async with bench.database.reading() as session:
        for table in tables:
            name, _, columns = table.partition(" ")
            query = sa.text(f"SELECT {columns.strip('()') or '*'} FROM {name}")  # noqa: S608 - names of our own
            found[name] = sorted(str(tuple(row)) for row in await session.execute(query))
    return found


async def referred(bench: Bench, reference: str, items: list[Item]) -> Sent:
    """A referral of the ward office's, and the event that took it in."""
    sent = await bench.sealed_referral(sender=WARD, reference=reference)
    items.append(bench.saying.say(f"referral:{sent.id}", sent.submitted))
    await bench.hand_over(items[-1:])
    return sent


async def live(bench: Bench, loss: Loss) -> tuple[Sent, Sent, Sent, list[Item]]:
    """A life before the backup, and one after it: of one who withdraws, one who is erased, and one who is new."""
    before: list[Item] = []
    withdrawn, erased = [await referred(bench, reference, before) for reference in ("withdrawn", "erased")]
    for sent in (withdrawn, erased):
        await bench.say(sent, GRANT, HEALTH, CONTACT, by=WARD)
    bench.opened(await bench.ask(withdrawn))
    await loss.back_up()

    after: list[Item] = []
    new = await referred(bench, "new", after)
    await referred(bench, "erased", after)
    guardian = await bench.name_representative(new, by=WARD)
    granted = await bench.say(new, GRANT, HEALTH, by=WARD, representative=guardian, disaster_in=Area.FUJIMI)
    signed = DESK.countersignature(new.id, granted.json()["statement_id"])
    assert (await bench.post("/countersignatures", signed, by=DESK)).status_code == 201
    disaster = IDS.new()
    await bench.say_disaster(disaster, DisasterAct.DECLARE, Area.FUJIMI)
    bench.opened(await bench.ask(new))
    await bench.say_disaster(disaster, DisasterAct.LIFT, Area.FUJIMI)
    await bench.say(withdrawn, WITHDRAW, HEALTH, by=WARD)
    for obligation in await bench.owed():
        await bench.answer_obligation(obligation, ObligationEnd.DELETED)
    assert (await bench.ask(replace_id(withdrawn))).status_code == 404
    bench.opened(await bench.ask(erased))
    assert (await erase(bench, erasure(erased))).status_code == 201
    return withdrawn, erased, new, after


def replace_id(sent: Sent) -> Sent:
    """The referral under an id that nobody knows."""
    data = sent.manifest.data.model_copy(update={"referral_id": IDS.new()})
    return replace(sent, manifest=sent.manifest.model_copy(update={"data": data}))


async def test_everything_said_is_there_again_and_nothing_is_said_twice(bench: Bench, loss: Loss) -> None:
    """The tables are what they were: those of the record at once, those of referrals when these have come again."""
    withdrawn, erased, new, after = await live(bench, loss)
    record, referrals = await rows_of(bench, TOLD_BY_THE_RECORD), await rows_of(bench, TAKEN_IN_AGAIN)
    log = await loss.put_back()
    assert await rows_of(bench, TOLD_BY_THE_RECORD) != record

    await begin(bench, log)

    assert await rows_of(bench, TOLD_BY_THE_RECORD) == record
    assert (await bench.ask(withdrawn)).json()["code"] == RefusalCode.NOT_COVERED
    assert (await bench.ask(erased)).json()["code"] == RefusalCode.PERSON_ERASED
    said = await rows_of(bench, ["outbox"])
    for _ in range(2):
        await bench.hand_over(after)
    assert await rows_of(bench, ["outbox"]) == said
    assert await rows_of(bench, TAKEN_IN_AGAIN) == referrals
    seen = (await rows_of(bench, ["content_keys (section_id)"]))["content_keys"]
    assert {str((each.section_id,)) for each in new.sealed.sections} <= set(seen)
    await bench.say(new, GRANT, HEALTH, by=WARD)
    bench.opened(await bench.ask(new))


async def test_old_backups_of_database_and_keys_together_open_nothing(bench: Bench, loss: Loss) -> None:
    """Both put back as they stood before an erasure: its keys are destroyed again before anybody is served."""
    _, erased, _, _ = await live(bench, loss)
    handle_id = erased.submitted.handle_id
    log = await loss.put_back(keys=True)
    assert all(handle_id in set(kept_in(folder)) for folder in bench.store.folders)

    await begin(bench, log)

    assert not any(handle_id in set(kept_in(folder)) for folder in bench.store.folders)
    assert (await bench.ask(erased)).json()["code"] == RefusalCode.PERSON_ERASED
    assert handle_id not in json.dumps(await rows_of(bench, ["referrals (capsule)"]))


async def test_a_database_that_lacks_nothing_is_told_nothing(bench: Bench, loss: Loss) -> None:
    """At an ordinary start the ends of the topics are looked at, and that is all."""
    await live(bench, loss)
    log = await loss.put_back()
    assert await restoring.catch_up(bench.database, log, bench.custody) > 0
    log.breaks_after = 0

    assert await restoring.catch_up(bench.database, log, bench.custody) == 0


async def test_a_crash_in_the_middle_is_made_good_at_the_next_start(bench: Bench, loss: Loss) -> None:
    """What was told before the crash is not told again, what was not is told then."""
    await live(bench, loss)
    record = await rows_of(bench, TOLD_BY_THE_RECORD)
    log = await loss.put_back()
    log.breaks_after = sum(topic == RECORDS.name for topic, _, _ in log.said) - 6
    with pytest.raises(ConnectionError):
        await restoring.catch_up(bench.database, log, bench.custody)
    assert await rows_of(bench, TOLD_BY_THE_RECORD) != record

    log.breaks_after = None
    await restoring.catch_up(bench.database, log, bench.custody)
    assert await rows_of(bench, TOLD_BY_THE_RECORD) == record


async def test_an_old_event_said_again_at_the_end_hides_nothing(bench: Bench, loss: Loss) -> None:
    """After a crash the relay repeats what it said before; the last record of a topic is then one that is known."""
    await live(bench, loss)
    log = await loss.put_back()
    log.said = [*log.said, *(next(each for each in log.said if each[0] == topic.name) for topic in (RECORDS, COVERAGE))]

    assert await restoring.catch_up(bench.database, log, bench.custody) > 0


async def test_replicas_that_start_together_tell_it_once(bench: Bench, loss: Loss) -> None:
    """One replays while the others wait, and what they find is complete."""
    await live(bench, loss)
    record = await rows_of(bench, TOLD_BY_THE_RECORD)
    log = await loss.put_back()

    await asyncio.gather(*(begin(bench, log) for _ in range(3)))

    assert await rows_of(bench, TOLD_BY_THE_RECORD) == record


async def test_a_log_that_does_not_follow_is_refused(bench: Bench, loss: Loss) -> None:
    """Another network's log, and one that no longer goes back far enough, are told apart; nothing is changed."""
    await live(bench, loss)
    log = await loss.put_back()
    before = await rows_of(bench, TOLD_BY_THE_RECORD)
    at = next(
        number
        for number, (topic, _, value) in enumerate(log.said)
        if topic == RECORDS.name and decode_event(value).type == "statement.recorded.v1" and number > len(log.said) // 3
    )
    topic, key, value = log.said[at]
    event = decode_event(value)
    assert event.previous is not None
    other = encode_event(event.model_copy(update={"previous": event.previous[::-1]}))

    for said, why in (([*log.said[:at], (topic, key, other)], "one past"), (log.said[at + 1 :], "younger one")):
        with pytest.raises(ForeignLogError, match=why):
            await restoring.catch_up(bench.database, OutboxLog(said), bench.custody)
    assert await rows_of(bench, ["statements"]) == {"statements": before["statements"]}


async def test_a_handle_that_the_database_has_forgotten_still_carries_a_referral(bench: Bench, loss: Loss) -> None:
    """What an agency has sealed offline with a handle from after the backup is valid, once."""
    await loss.back_up()
    handle = await bench.blank_handle(CLINIC)
    await bench.refer()
    log = await loss.put_back()
    await begin(bench, log)

    sent = await bench.refer(handle=handle)
    await bench.say(sent, GRANT, HEALTH)
    bench.opened(await bench.ask(sent))
    again = await bench.refer(handle=handle, sealed=CLINIC.seal(handle))
    assert {reason for _, reason in (await bench.coverage(again)).values()} == {RefusalCode.HANDLE_ALREADY_USED.value}


@pytest.mark.parametrize("data", [*RECORDS.events, *COVERAGE.events], ids=lambda data: data.TYPE)
def test_every_event_of_consent_can_be_told_again(data: type[EventData]) -> None:
    """An event that a restored database could not be told would keep consent from starting."""
    assert retell.dispatch(data) is not retell.dispatch(EventData)
