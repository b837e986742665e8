"""Recording the person's word, and saying at once what it changes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.consent.domain.coverage import Referral
from services.consent.domain.persons import Person
from services.consent.domain.statements import Recording, Statement, check_recordable
from services.consent.storage import persons, referrals, statements
from services.consent.use_cases import records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from services.runtime.identity import Caller
from tsunagu_contracts import jose
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import RecordedBy, StatementRecorded
from tsunagu_contracts.manifests import RecordStatement
from tsunagu_contracts.messages import AgencyMessage


@dataclass(frozen=True, slots=True)
class Recorded:
    """A statement that has taken effect; `again` when the same message had been recorded before."""

    statement_id: str
    referral_id: str
    recorded_at: datetime
    again: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement whose message is authentic, and the message."""

    manifest: RecordStatement
    token: str


async def verify(session: AsyncSession, raw: bytes, caller: Caller) -> Verified:
    """Check the bytes of a statement's message against the agency's registered key, and who brings them.

    Nothing is locked here. Refuses with the codes of `AgencyMessage.parse` and `verify`, `unknown_type`
    (another kind of message), `agency_unknown`, `actor_mismatch` and `sender_mismatch`.
    """
    message = AgencyMessage.parse(raw)
    agency_id = _claimed_agency(message.manifest)
    found = await membership.agency(session, agency_id)
    if found is None:
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    manifest = message.verify(found.keys.signing, agency_id)
    if not isinstance(manifest, RecordStatement):
        raise Refusal(RefusalCode.UNKNOWN_TYPE)
    if manifest.actor != str(caller.actor):
        raise Refusal(RefusalCode.ACTOR_MISMATCH)
    if caller.agency_id not in (None, manifest.agency_id):
        raise Refusal(RefusalCode.SENDER_MISMATCH)
    return Verified(manifest, message.manifest)


async def record(work: Work, verified: Verified, custody: Custody) -> Recorded:
    """Record a statement under the person's row lock, with the coverage that follows from it.

    The same message again changes nothing. Refuses with `duplicate_id` (another message under a known id),
    the codes of `appointment_refusal`, `referral_unknown` (also for an agency that is no party, and where no
    person is known), `stated_in_future` and `clock_stepped_back`; the last two never for a refusal or a
    withdrawal, which waits for nothing but that row.
    """
    manifest = verified.manifest
    appointment = await membership.appointment(work.session, manifest.appointment)
    refusal = membership.appointment_refusal(appointment, manifest.coordinator_id, manifest.agency_id, work.now)
    if refusal is not None:
        raise Refusal(refusal)
    referral, record_id = await _party_to(work.session, manifest)
    person = (await persons.lock(work.session, [record_id]))[record_id]
    earlier = await statements.earlier(work.session, manifest.data.statement_id, manifest.agency_id, manifest.id)
    if earlier is not None:
        return _again(earlier, verified, referral)
    said = _statement(verified, person, custody)
    await statements.insert(work.session, said)
    persons.save(work, [person])
    actor = Actor.parse(manifest.actor)
    await records.say(work, [Saying(Emission(person.aggregate, said, actor, manifest.appointment), said.number)])
    spoken = (await statements.of(work.session, [record_id]))[record_id]
    await records.cover_open_referrals(work, person, spoken, actor, manifest.appointment)
    return Recorded(said.statement_id, said.referral_id, said.recorded_at, again=False)


async def _party_to(session: AsyncSession, manifest: RecordStatement) -> tuple[Referral, str]:
    referral = await referrals.load(session, manifest.data.referral_id)
    if referral is None or referral.record_id is None or not referral.is_party(manifest.agency_id):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    return referral, referral.record_id


def _again(earlier: statements.Earlier, verified: Verified, referral: Referral) -> Recorded:
    # An ES256 signature is new each time; what was signed is what counts.
    same = earlier.manifest.rpartition(".")[0] == verified.token.rpartition(".")[0]
    if not same or earlier.record_id != referral.record_id:
        raise Refusal(RefusalCode.DUPLICATE_ID)
    statement: Statement = earlier.statement
    return Recorded(statement.statement_id, referral.referral_id, statement.recorded_at, again=True)


def _statement(verified: Verified, person: Person, custody: Custody) -> StatementRecorded:
    """The statement as it will be recorded; takes the person's next number, at this moment."""
    manifest, made = verified.manifest, verified.manifest.data
    recording = Recording(custody.clock.now(), person.latest_at, custody.bounds.clock_tolerance)
    check_recordable(made.kind, made.stated_at, recording)
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
        recorded_by=RecordedBy(
            agency_id=manifest.agency_id,
            coordinator_id=manifest.coordinator_id,
            appointment_id=manifest.appointment,
        ),
        message_id=manifest.id,
        manifest=verified.token,
    )


def _claimed_agency(token: str) -> str:
    """The agency that a manifest claims to be from, read only to choose the key that must have signed it."""
    source = jose.unverified_payload(token).get("source")
    if not isinstance(source, str) or not source.startswith("agency/"):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="source")
    return source.removeprefix("agency/")
