"""Recording what agencies disclose outside the network: traceable, and no key moves for it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import disclosures, persons
from services.consent.storage.disclosures import Disclosed
from services.consent.use_cases import messages, records
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from services.runtime.identity import Caller
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import DisclosureRecorded
from tsunagu_contracts.manifests import RecordDisclosure


@dataclass(frozen=True, slots=True)
class Recorded:
    """A disclosure that is recorded; `again` when the same message had been recorded before."""

    disclosure_id: str
    recorded_at: datetime
    again: bool


async def record(work: Work, verified: Verified[RecordDisclosure], custody: Custody) -> Recorded:
    """Record a disclosure under the person's row lock; what is covered does not change by it.

    The same message again changes nothing. Refuses with `duplicate_id` (other content under a known id), the codes
    of `appointed` and `party_to`, `dated_in_future` and `clock_stepped_back`.
    """
    manifest, made = verified.manifest, verified.manifest.data
    referral, person, group = await messages.about(work, manifest, made.referral_id)
    known = await disclosures.known(work.session, manifest.agency_id, made.disclosure_id, manifest.id)
    if known:
        recorded_at, token = known[0]
        if not verified.says_the_same(token):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Recorded(made.disclosure_id, recorded_at, again=True)
    recording = custody.recording(group)
    recording.check_clock()
    recording.check_past(made.disclosed_at)
    said = DisclosureRecorded(
        record_id=person.record_id,
        number=person.take_number(recording.moment),
        disclosure_id=made.disclosure_id,
        referral_id=referral.referral_id,
        ground=made.ground,
        way=made.way,
        to_agency=made.to_agency,
        to_body=made.to_body,
        categories=made.categories,
        disclosed_at=made.disclosed_at,
        recorded_at=recording.moment,
        recorded_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await disclosures.insert(work.session, said)
    persons.save(work, group.changed)
    emission = Emission(person.aggregate, said, verified.actor, manifest.appointment)
    await records.say(work, [Saying(emission, said.number)])
    return Recorded(said.disclosure_id, said.recorded_at, again=False)


async def list_own(session: AsyncSession, caller: Caller, custody: Custody, *, after: str) -> list[Disclosed]:
    """List what the caller's agency has disclosed, by id; refuses with the codes of `acting`."""
    return await disclosures.of_agency(session, await acting(session, caller, custody.clock.now()), after=after)
