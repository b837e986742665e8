"""Recording who may speak in the person's stead."""

from dataclasses import dataclass
from datetime import datetime

from services.consent.storage import persons, representatives, rows, tables
from services.consent.use_cases import messages, records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import RepresentativeRecorded
from tsunagu_contracts.manifests import RecordRepresentative


@dataclass(frozen=True, slots=True)
class Named:
    """A representative who is recorded; `again` when the same message had been recorded before."""

    representative_id: str
    recorded_at: datetime
    again: bool


async def record(work: Work, verified: Verified[RecordRepresentative], custody: Custody) -> Named:
    """Record a representative under the lock of the person's rows; nothing that was said before changes by it.

    The same message again changes nothing. Refuses with `duplicate_id` (other content under a known message id),
    the codes of `appointed` and `party_to`, and `clock_stepped_back`.
    """
    manifest, named = verified.manifest, verified.manifest.data
    referral, person, group = await messages.about(work, manifest, named.referral_id)
    earlier = await rows.earlier(work.session, tables.representatives, manifest.agency_id, manifest.id)
    if earlier is not None:
        recorded_at, token = earlier
        if not verified.says_the_same(token):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Named(named.representative_id, recorded_at, again=True)
    recording = custody.recording(group)
    recording.check_clock()
    recorded = RepresentativeRecorded(
        record_id=person.record_id,
        number=person.take_number(recording.moment),
        representative_id=named.representative_id,
        referral_id=referral.referral_id,
        ground=named.ground,
        proof=named.proof,
        categories=named.categories,
        purposes=named.purposes,
        valid_from=named.valid_from,
        valid_until=named.valid_until,
        recorded_at=recording.moment,
        recorded_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await representatives.insert(work.session, recorded)
    persons.save(work, [person])
    saying = Emission(person.aggregate, recorded, verified.actor, manifest.appointment)
    await records.say(work, [Saying(saying, recorded.number)])
    return Named(named.representative_id, recording.moment, again=False)
