"""What each event of consent's own means to a database that has forgotten it: the rows that it wrote, and nothing said.

A new event of consent needs its telling here; without one a restored database refuses to start.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from functools import singledispatch

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.asking import PersonRequest
from services.consent.storage import (
    asking,
    cards,
    cases,
    changes,
    disasters,
    disclosures,
    due,
    erasures,
    evidence,
    joins,
    obligations,
    receipts,
    releases,
    representatives,
    restoring,
    statements,
    supports,
    viewing,
)
from tsunagu_contracts.codes import Category, CoverageState, Purpose, RefusalCode
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import (
    CaseAnswered,
    CaseAsked,
    CaseClosed,
    CaseOpened,
    CaseOverdue,
    ConsentRequested,
    CoverageDecided,
    DisasterDeclared,
    DisasterLifted,
    DisclosureRecorded,
    GrantRenewalDue,
    ObligationEnded,
    ObligationIncurred,
    ObligationOverdue,
    PersonChanged,
    ReceiptIssued,
    ReceiptRevoked,
    ReceiptViewLimited,
    RecordErased,
    RecordJoined,
    RecordOpened,
    RecordReferralLinked,
    RecordUnjoined,
    ReleaseGranted,
    ReleaseRefused,
    RepresentativeRecorded,
    RequestAnswered,
    RequestFacts,
    RequestLapsed,
    RequestRefused,
    RequestReminded,
    ReviewOpened,
    StatementCountersigned,
    StatementEvidenced,
    StatementRecorded,
    StatementWithdrawnByPerson,
)


class NotRetoldError(Exception):
    """The log says something that this program cannot write into a database; the message says what."""


@singledispatch
async def retell(data: EventData, event: Event, session: AsyncSession) -> None:
    """Write into the tables what this event wrote when it was said."""
    raise NotRetoldError(f"{event.type} cannot be replayed into a restored database: this program does not know how")


@retell.register
async def _(data: RecordOpened, event: Event, session: AsyncSession) -> None:
    await restoring.open_record(session, data.record_id, event.time)


@retell.register
async def _(data: RecordReferralLinked, event: Event, session: AsyncSession) -> None:
    await restoring.link(session, data.referral_id, data.record_id)


@retell.register
async def _(data: StatementRecorded, event: Event, session: AsyncSession) -> None:
    await statements.insert(session, data)
    if data.evidence is not None:
        await evidence.name(session, data.recorded_by.agency_id, data.statement_id, data.evidence, data.record_id)
    await due.note(session, data.record_id, [data.valid_from, data.valid_until], after=data.recorded_at)


@retell.register
async def _(data: RepresentativeRecorded, event: Event, session: AsyncSession) -> None:
    await representatives.insert(session, data)


@retell.register
async def _(data: StatementCountersigned, event: Event, session: AsyncSession) -> None:
    await supports.insert(session, data)


@retell.register
async def _(data: StatementEvidenced, event: Event, session: AsyncSession) -> None:
    # The message that the evidence came with is kept by `audit`; here its id and digest stand for it.
    await evidence.note_again(session, data)
    await supports.insert_evidenced(session, data, data.evidence_id, data.digest)


@retell.register(ReleaseGranted)
@retell.register(ReleaseRefused)
async def _(data: ReleaseGranted | ReleaseRefused, event: Event, session: AsyncSession) -> None:
    await releases.insert_again(session, data)


@retell.register
async def _(data: ObligationIncurred, event: Event, session: AsyncSession) -> None:
    await obligations.insert(session, [data])


@retell.register
async def _(data: ObligationEnded, event: Event, session: AsyncSession) -> None:
    await obligations.end(session, data)


@retell.register
async def _(data: ObligationOverdue, event: Event, session: AsyncSession) -> None:
    await obligations.mark_overdue(session, data)


@retell.register
async def _(data: RecordErased, event: Event, session: AsyncSession) -> None:
    await erasures.insert(session, data)
    await asking.end_all(session, [data.record_id], data.erased_at)


@retell.register
async def _(data: CoverageDecided, event: Event, session: AsyncSession) -> None:
    faults = {
        section.section_id: RefusalCode(section.reason.value)
        for section in data.sections
        if section.state is CoverageState.INVALID
    }
    await restoring.cover(session, data.referral_id, faults)


@retell.register
async def _(data: RecordJoined, event: Event, session: AsyncSession) -> None:
    # It stands on the streams of both records, which come in any order. Of cards nothing is said: all are void.
    if await joins.find(session, data.join_id) is None:
        await joins.insert(session, data)
    await cards.void(session, [data.record_id], data.joined_at)


@retell.register
async def _(data: RecordUnjoined, event: Event, session: AsyncSession) -> None:
    found = await joins.find(session, data.join_id)
    if found is not None and found.record_a == data.record_id:
        await joins.undo(session, data)


@retell.register
async def _(data: StatementWithdrawnByPerson, event: Event, session: AsyncSession) -> None:
    await statements.insert_withdrawal(session, data)


@retell.register
async def _(data: ReceiptIssued, event: Event, session: AsyncSession) -> None:
    """Nothing: its code is in no event, and the person gets another one."""


@retell.register
async def _(data: ReceiptRevoked, event: Event, session: AsyncSession) -> None:
    await receipts.revoke(session, data)


@retell.register
async def _(data: ReceiptViewLimited, event: Event, session: AsyncSession) -> None:
    await viewing.limit(session, data)


@retell.register
async def _(data: DisclosureRecorded, event: Event, session: AsyncSession) -> None:
    await disclosures.insert(session, data)


@retell.register
async def _(data: CaseOpened, event: Event, session: AsyncSession) -> None:
    await cases.insert(session, data)


@retell.register
async def _(data: CaseAsked, event: Event, session: AsyncSession) -> None:
    await cases.insert_part_again(session, data)


@retell.register
async def _(data: CaseAnswered, event: Event, session: AsyncSession) -> None:
    await cases.answer(session, data)


@retell.register
async def _(data: CaseOverdue, event: Event, session: AsyncSession) -> None:
    await cases.mark_overdue(session, data)


@retell.register
async def _(data: CaseClosed, event: Event, session: AsyncSession) -> None:
    await cases.close_again(session, data)


@retell.register
async def _(data: ConsentRequested, event: Event, session: AsyncSession) -> None:
    request = _request(data, data.requested_at, data.categories, data.purposes, data.recipients)
    await asking.insert(session, [(request, data.number)], data)


@retell.register
async def _(data: GrantRenewalDue, event: Event, session: AsyncSession) -> None:
    request = _request(data, data.noticed_at, data.categories, data.purposes, data.recipients)
    await asking.insert(session, [(request, data.number)])


@retell.register
async def _(data: ReviewOpened, event: Event, session: AsyncSession) -> None:
    request = replace(_request(data, data.opened_at, (), (), None), change=data.change)
    await asking.insert(session, [(request, data.number)])


@retell.register
async def _(data: RequestReminded, event: Event, session: AsyncSession) -> None:
    await asking.remind_again(session, data.request_id)


@retell.register
async def _(data: RequestAnswered, event: Event, session: AsyncSession) -> None:
    await asking.end(session, data.request_id, data.answered_at, data.manifest if data.answer is not None else None)


@retell.register
async def _(data: RequestLapsed, event: Event, session: AsyncSession) -> None:
    await asking.end(session, data.request_id, data.noticed_at)


@retell.register
async def _(data: PersonChanged, event: Event, session: AsyncSession) -> None:
    await changes.insert(session, data)


def _request(
    data: RequestFacts,
    opened_at: datetime,
    categories: Collection[Category],
    purposes: Collection[Purpose],
    recipients: Collection[str] | None,
) -> PersonRequest:
    return PersonRequest(
        request_id=data.request_id,
        record_id=data.record_id,
        kind=data.kind,
        agency_id=data.agency_id,
        referral_id=data.referral_id,
        categories=frozenset(categories),
        purposes=frozenset(purposes),
        recipients=None if recipients is None else frozenset(recipients),
        change=None,
        opened_at=opened_at,
        deadline=data.deadline,
    )


@retell.register
async def _(data: RequestRefused, event: Event, session: AsyncSession) -> None:
    """Nothing: what was refused changed no table."""


@retell.register
async def _(data: DisasterDeclared, event: Event, session: AsyncSession) -> None:
    await disasters.declare(session, data.disaster_id, data.areas, data.declared_at)
    await due.note_conditional(session, data.areas, data.declared_at)


@retell.register
async def _(data: DisasterLifted, event: Event, session: AsyncSession) -> None:
    await disasters.lift(session, data.disaster_id, data.areas, data.lifted_at)
    await due.note_conditional(session, data.areas, data.lifted_at)
