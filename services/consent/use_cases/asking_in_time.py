"""What time does to requests and grants: a reminder, a lapse, and asking again before a grant ends or each year."""

from functools import partial

from services.consent.domain.asking import PersonRequest, resting_on
from services.consent.domain.changes import has_died
from services.consent.domain.joins import merged
from services.consent.domain.persons import Group, changed_in
from services.consent.storage import asking, changes, erasures, persons, renewals, words
from services.consent.storage.asking import Due
from services.consent.storage.renewals import Renewal
from services.consent.use_cases import records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.records import Saying
from services.eventing.database import Database
from services.eventing.work import Emission, Work
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.codes import RequestKind
from tsunagu_contracts.events.consent import GrantRenewalDue, RequestLapsed, RequestReminded

_TIMER = Actor(ActorKind.TIMER)


async def remind_and_lapse(database: Database) -> None:
    """Say of every open request that half of its time, or all of it, has passed."""
    while await remind_some(database):
        pass


async def remind_some(database: Database) -> bool:
    """Say it of some of them, in one transaction; returns whether there may be more."""
    return await database.until_settled(_remind)


async def _remind(work: Work) -> bool:
    due = await asking.due(work.session, work.now)
    locked = await persons.lock(work.session, {each.request.record_id for each in due})
    sayings = [
        saying
        for each in due
        if (saying := await _remind_or_lapse(work, each, locked[each.request.record_id])) is not None
    ]
    persons.save(work, changed_in(locked.values()))
    await records.say(work, sayings)
    return bool(due)


async def _remind_or_lapse(work: Work, due: Due, group: Group) -> Saying | None:
    """What is to be said of a request; None where it was answered, or this was said, before the row was locked."""
    request, at = due.request, max(work.now, group.next_at)
    person = group.records[request.record_id]
    lapses = request.deadline <= work.now
    if lapses:
        still = await asking.end(work.session, request.request_id, at)
    else:
        still = await asking.remind(work.session, due)
    if not still:
        return None
    said = (RequestLapsed if lapses else RequestReminded)(
        record_id=request.record_id,
        number=person.take_number(at),
        request_id=request.request_id,
        kind=request.kind,
        agency_id=request.agency_id,
        referral_id=request.referral_id,
        deadline=request.deadline,
        noticed_at=at,
    )
    return Saying(Emission(person.aggregate, said, _TIMER), said.number)


async def ask_again(database: Database, custody: Custody) -> None:
    """Open a request for every grant that ends soon or has stood for long."""
    while await ask_some_again(database, custody):
        pass


async def ask_some_again(database: Database, custody: Custody) -> bool:
    """Open it for some of them, in one transaction; returns whether there may be more."""
    return await database.until_settled(partial(_ask_again, custody=custody))


async def _ask_again(work: Work, custody: Custody) -> bool:
    due = await renewals.take(work.session, work.now)
    locked = await persons.lock(work.session, {each.record_id for each in due})
    sayings = [
        saying for each in due if (saying := await _renew(work, each, locked[each.record_id], custody)) is not None
    ]
    persons.save(work, changed_in(locked.values()))
    await records.say(work, sayings)
    return bool(due)


async def _renew(work: Work, renewal: Renewal, group: Group, custody: Custody) -> Saying | None:
    """Ask again about what still rests on a grant; None where nothing does, where it is over, or nobody is to ask."""
    at = max(work.now, group.next_at)
    person = group.records[renewal.record_id]
    word = merged(await words.of(work.session, group.records))
    grant = next(each for each in word.statements if each.statement_id == renewal.statement_id)
    categories = resting_on(grant, word.statements)
    if not categories or (grant.valid_until is not None and grant.valid_until <= at):
        return None
    if await erasures.erased_among(work.session, group.records) or has_died(
        await changes.of(work.session, [renewal.record_id])
    ):
        return None
    if grant.recorded_by_agency is None:
        return None
    request = PersonRequest(
        request_id=work.ids.new(),
        record_id=renewal.record_id,
        kind=RequestKind.YEARLY_REVIEW if grant.valid_until is None else RequestKind.RENEWAL,
        agency_id=grant.recorded_by_agency,
        referral_id=renewal.referral_id,
        categories=categories,
        purposes=grant.purposes,
        recipients=grant.recipients,
        change=None,
        opened_at=at,
        deadline=grant.valid_until or at + custody.bounds.renew_within,
    )
    if grant.valid_until is None:
        await renewals.note(work.session, renewal._replace(due_at=at + custody.bounds.review_every))
    said = GrantRenewalDue(
        record_id=request.record_id,
        number=person.take_number(at),
        request_id=request.request_id,
        kind=request.kind,
        agency_id=request.agency_id,
        referral_id=request.referral_id,
        deadline=request.deadline,
        statement_id=grant.statement_id,
        categories=tuple(sorted(categories)),
        purposes=tuple(sorted(request.purposes)),
        recipients=None if request.recipients is None else tuple(sorted(request.recipients)),
        noticed_at=at,
    )
    await asking.insert(work.session, [(request, said.number)])
    return Saying(Emission(person.aggregate, said, _TIMER), said.number)
