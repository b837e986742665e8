"""Another agency's word that the person said what was recorded."""

from dataclasses import dataclass
from datetime import datetime

from services.consent.storage import rows, statements, supports, tables
from services.consent.use_cases import messages
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.effects import take_effect
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import StatementCountersigned
from tsunagu_contracts.manifests import CountersignStatement


@dataclass(frozen=True, slots=True)
class Countersigned:
    """A statement that another agency vouches for; `again` when the same message had been recorded before."""

    statement_id: str
    recorded_at: datetime
    again: bool


async def record(work: Work, verified: Verified[CountersignStatement], custody: Custody) -> Countersigned:
    """Record a countersignature under the lock of the person's rows, with the coverage that follows from it.

    The same message again changes nothing. Refuses with `duplicate_id`, the codes of `appointed` and `party_to`,
    `statement_unknown` (no grant of the person whom the referral is about), `not_permitted` (the agency that
    recorded the statement) and `clock_stepped_back`.
    """
    manifest, heard = verified.manifest, verified.manifest.data
    referral, person, group = await messages.about(work, manifest, heard.referral_id)
    earlier = await rows.earlier(work.session, tables.supports, manifest.agency_id, manifest.id)
    if earlier is not None:
        recorded_at, token = earlier
        if not verified.says_the_same(token):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Countersigned(heard.statement_id, recorded_at, again=True)
    recorder = await statements.recorder_of_grant(work.session, heard.statement_id, group.records)
    if recorder is None:
        raise Refusal(RefusalCode.STATEMENT_UNKNOWN)
    if recorder == manifest.agency_id:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    recording = custody.recording(group)
    recording.check_clock()
    signed = StatementCountersigned(
        record_id=person.record_id,
        number=person.take_number(recording.moment),
        statement_id=heard.statement_id,
        referral_id=referral.referral_id,
        recorded_at=recording.moment,
        recorded_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await supports.insert(work.session, signed)
    saying = Saying(Emission(person.aggregate, signed, verified.actor, manifest.appointment), signed.number)
    await take_effect(work, group, [saying], recording.moment, messages.speaker(verified), custody)
    return Countersigned(heard.statement_id, recording.moment, again=False)
