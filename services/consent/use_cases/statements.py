"""Recording the person's word, and saying at once what it changes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.consent.domain.coverage import Referral
from services.consent.domain.persons import Group, Person
from services.consent.domain.statements import Recording, Statement, check_recordable
from services.consent.storage import due, representatives, statements
from services.consent.use_cases import changes, evidence, messages
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.effects import take_effect
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from tsunagu_contracts.codes import RefusalCode, StatementKind
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import SpokenFor, StatementRecorded
from tsunagu_contracts.manifests import RecordStatement
from tsunagu_contracts.notices import is_published


@dataclass(frozen=True, slots=True)
class Recorded:
    """A statement that has taken effect; `again` when the same message had been recorded before."""

    statement_id: str
    referral_id: str
    recorded_at: datetime
    again: bool


async def record(work: Work, verified: Verified[RecordStatement], custody: Custody) -> Recorded:
    """Record a statement under the lock of the person's rows, with the coverage that follows from it.

    The same message again changes nothing. Refuses with `duplicate_id` (another message under a known id),
    the codes of `appointed` and `party_to`, `agency_unknown` (a grant to an agency that does not exist),
    `statement_unknown` (a confirmation of nothing), `notice_unknown`, and those of `Representative.check_speaking`,
    `check_recordable` and `check_may_agree`. A wrong date, recipient or notice never stops a refusal or a withdrawal,
    which waits for nothing but those rows.
    """
    manifest = verified.manifest
    referral, person, group = await messages.about(work, manifest, manifest.data.referral_id)
    earlier = await statements.earlier(work.session, manifest.data.statement_id, manifest.agency_id, manifest.id)
    if earlier is not None:
        return _again(earlier, verified, referral)
    recording = custody.recording(group)
    check_recordable(manifest.data.kind, manifest.data.stated_at, manifest.data.valid_until, recording)
    await _check_recipients(work.session, manifest)
    _check_notice(manifest)
    await changes.check_may_agree_now(work.session, manifest.data, person.record_id)
    spoken_for = await _spoken_for(work.session, manifest, group, recording)
    await _check_confirmed(work.session, manifest, group)
    said = _statement(verified, person, recording, spoken_for)
    await statements.insert(work.session, said)
    await due.note(work.session, person.record_id, [said.valid_from, said.valid_until], after=recording.moment)
    evidenced = await evidence.count(work, person, said)
    sayings = [Saying(Emission(person.aggregate, said, verified.actor, manifest.appointment), said.number), *evidenced]
    at, by = recording.moment, messages.speaker(verified)
    await take_effect(work, group, sayings, at, by, custody, spoken=said)
    return Recorded(said.statement_id, said.referral_id, said.recorded_at, again=False)


def _again(earlier: statements.Earlier, verified: Verified[RecordStatement], referral: Referral) -> Recorded:
    if (
        earlier.manifest is None
        or not verified.says_the_same(earlier.manifest)
        or earlier.record_id != referral.record_id
    ):
        raise Refusal(RefusalCode.DUPLICATE_ID)
    statement: Statement = earlier.statement
    return Recorded(statement.statement_id, referral.referral_id, statement.recorded_at, again=True)


async def _check_recipients(session: AsyncSession, manifest: RecordStatement) -> None:
    """Refuse a grant to an agency that does not exist; a no is recorded whomever it names."""
    made = manifest.data
    if made.kind is StatementKind.GRANT and made.recipients is not None:
        known = await membership.agencies(session, made.recipients)
        if known.keys() != set(made.recipients):
            raise Refusal(RefusalCode.AGENCY_UNKNOWN, where="recipients")


async def _spoken_for(
    session: AsyncSession, manifest: RecordStatement, group: Group, recording: Recording
) -> SpokenFor | None:
    """Who spoke in the person's stead, once it is recorded that they may say this."""
    made = manifest.data
    if made.representative is None:
        return None
    representative = await representatives.last(session, group.records, manifest.agency_id, made.representative)
    if representative is None:
        raise Refusal(RefusalCode.REPRESENTATIVE_UNKNOWN)
    # A no counts from its recording; whatever else is said must have been said while they might.
    at = made.stated_at if made.kind in (StatementKind.GRANT, StatementKind.CONFIRM) else recording.moment
    representative.check_speaking(made.categories, made.purposes, at)
    return SpokenFor(representative_id=made.representative, ground=representative.ground, overrides=made.overrides)


def _check_notice(manifest: RecordStatement) -> None:
    """Refuse with `notice_unknown` a yes to a text that nobody published; a no needs no notice."""
    agrees = manifest.data.kind in (StatementKind.GRANT, StatementKind.CONFIRM)
    if agrees and not is_published(manifest.data.notice):
        raise Refusal(RefusalCode.NOTICE_UNKNOWN)


async def _check_confirmed(session: AsyncSession, manifest: RecordStatement, group: Group) -> None:
    confirmed = manifest.data.confirms
    if confirmed is not None and await statements.recorder_of_grant(session, confirmed, group.records) is None:
        raise Refusal(RefusalCode.STATEMENT_UNKNOWN)


def _statement(
    verified: Verified[RecordStatement], person: Person, recording: Recording, spoken_for: SpokenFor | None
) -> StatementRecorded:
    """The statement as it will be recorded; takes the person's next number, at this moment."""
    manifest, made = verified.manifest, verified.manifest.data
    return StatementRecorded(
        record_id=person.record_id,
        number=person.take_number(recording.moment),
        statement_id=made.statement_id,
        referral_id=made.referral_id,
        kind=made.kind,
        categories=made.categories,
        recipients=made.recipients,
        purposes=made.purposes,
        how=made.how,
        valid_from=made.valid_from,
        valid_until=made.valid_until,
        stated_at=made.stated_at,
        recorded_at=recording.moment,
        recorded_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
        representation=spoken_for,
        disaster_in=made.disaster_in,
        confirms=made.confirms,
        evidence=made.evidence,
    )
