"""What changes in a person's life: reported by a party, looked at by everybody who rests on the person's word."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.asking import PersonRequest, resting_on
from services.consent.domain.changes import check_may_agree
from services.consent.domain.joins import merged
from services.consent.domain.persons import Group, Person
from services.consent.storage import asking, changes, erasures, persons, referrals, renewals, rows, tables, words
from services.consent.use_cases import messages, records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import PersonChange, RefusalCode, RequestKind, StatementKind
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import PersonChanged, ReviewOpened
from tsunagu_contracts.manifests import ReportChange, StatementMade

_SYSTEM = Actor.system("consent")


@dataclass(frozen=True, slots=True)
class Reported:
    """A change that is recorded; `again` when the same message had been recorded before."""

    change_id: str
    recorded_at: datetime
    again: bool


async def report(work: Work, verified: Verified[ReportChange], custody: Custody) -> Reported:
    """Record a change under the person's row lock, and open a review for everybody whom it concerns.

    No decision changes by it: the recorded word decides. The same message again changes nothing. Refuses with the
    codes of `appointed` and `party_to`, `duplicate_id` and `clock_stepped_back`.
    """
    manifest, told = verified.manifest, verified.manifest.data
    referral, person, group = await messages.about(work, manifest, told.referral_id)
    earlier = await rows.earlier(work.session, tables.person_changes, manifest.agency_id, manifest.id)
    if earlier is not None:
        recorded_at, token = earlier
        if not verified.says_the_same(token):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Reported(told.change_id, recorded_at, again=True)
    recording = custody.recording(group)
    recording.check_clock()
    changed = PersonChanged(
        record_id=person.record_id,
        number=person.take_number(recording.moment),
        change_id=told.change_id,
        referral_id=referral.referral_id,
        change=told.change,
        recorded_at=recording.moment,
        recorded_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await changes.insert(work.session, changed)
    reviews = await _open_reviews(work, group, person, told.change, recording.moment, custody)
    persons.save(work, group.changed)
    emission = Emission(person.aggregate, changed, verified.actor, manifest.appointment)
    await records.say(work, [Saying(emission, changed.number), *reviews])
    return Reported(told.change_id, recording.moment, again=False)


async def check_may_agree_now(session: AsyncSession, made: StatementMade, record_id: str) -> None:
    """Refuse a grant or its confirmation as `check_may_agree` does; a refusal or a withdrawal never."""
    if made.kind in (StatementKind.GRANT, StatementKind.CONFIRM):
        check_may_agree(await changes.of(session, [record_id]), themself=made.representative is None)


async def _open_reviews(
    work: Work, group: Group, person: Person, change: PersonChange, at: datetime, custody: Custody
) -> list[Saying]:
    """Let each agency look at what it has sent and recorded, unless it is doing so because of such a change already."""
    if change is PersonChange.ENTERED_IN_ERROR or await erasures.erased_among(work.session, [person.record_id]):
        return []
    looking = {
        each.agency_id for each in await asking.open_of(work.session, [person.record_id]) if each.change is change
    }
    said: list[tuple[PersonRequest, ReviewOpened]] = []
    for agency_id, referral_id in sorted((await _concerned(work, group, person, at)).items()):
        if agency_id in looking:
            continue
        request = PersonRequest(
            request_id=work.ids.new(),
            record_id=person.record_id,
            kind=RequestKind.CHANGE_REVIEW,
            agency_id=agency_id,
            referral_id=referral_id,
            categories=frozenset(),
            purposes=frozenset(),
            recipients=None,
            change=change,
            opened_at=at,
            deadline=at + custody.bounds.renew_within,
        )
        opened = ReviewOpened(
            record_id=request.record_id,
            number=person.take_number(at),
            request_id=request.request_id,
            kind=request.kind,
            agency_id=agency_id,
            referral_id=referral_id,
            deadline=request.deadline,
            change=change,
            opened_at=at,
        )
        said.append((request, opened))
    await asking.insert(work.session, [(request, opened.number) for request, opened in said])
    return [Saying(Emission(person.aggregate, opened, _SYSTEM), opened.number) for _, opened in said]


async def _concerned(work: Work, group: Group, person: Person, at: datetime) -> dict[str, str]:
    """Who recorded a grant on which something still rests, or sent a referral that is open; with that referral.

    Of this record alone: a review would tell an agency of a joined record that somebody else knows the person.
    """
    said = await words.of(work.session, group.records)
    word = merged(said)
    here = {each.statement_id for each in said[person.record_id].statements}
    standing = [
        each
        for each in word.statements
        if each.statement_id in here
        and each.kind is StatementKind.GRANT
        and (each.valid_until is None or each.valid_until > at)
        and resting_on(each, word.statements)
    ]
    recorded_on = await renewals.referrals_of(work.session, [each.statement_id for each in standing])
    concerned = {
        each.recorded_by_agency: recorded_on[each.statement_id]
        for each in standing
        if each.recorded_by_agency is not None
    }
    sent = await referrals.open_of(work.session, [person.record_id])
    return concerned | {each.sender: each.referral_id for each in sent}
