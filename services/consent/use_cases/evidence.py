"""Evidence of a grant, kept by `audit`: from a number on the grant no longer rests on its recorder alone."""

from datetime import datetime

from services import membership
from services.consent.domain.persons import Person
from services.consent.storage import evidence, persons, statements, supports
from services.consent.storage.evidence import Kept
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.effects import take_effect
from services.consent.use_cases.records import Saying, Speaker
from services.eventing.statements import Conflict
from services.eventing.work import Emission, Work
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.audit import EvidenceStored
from tsunagu_contracts.events.consent import StatementEvidenced, StatementRecorded
from tsunagu_contracts.manifests import StoreEvidence, verify_manifest

_CONSENT = Actor.system("consent")


async def heed(work: Work, stored: EvidenceStored, custody: Custody) -> None:
    """Let evidence that `audit` keeps count for the grant that names it, with the coverage that follows from it.

    Only the recording agency's own signed word makes evidence of it; what names no statement that is known waits for
    one. Heard again, it changes nothing. Raises `Conflict` outside a transaction; refuses what the agency has not
    signed with the codes of `verify_manifest`, `agency_unknown` and `invalid_content`.
    """
    if not work.locks:
        raise Conflict
    await _check_signed(work, stored)
    # What the rest of the batch writes comes first, so that rows are taken in the order in which others take them.
    await work.flush()
    named_by = await evidence.named_by(work.session, stored)
    locked = await persons.lock(work.session, [named_by] if named_by else [])
    record_id = await evidence.note(work.session, stored)
    if record_id is None:
        return
    group = locked.get(record_id) or await persons.lock_one(work.session, record_id)
    if await statements.recorder_of_grant(work.session, stored.statement_id, group.records) is None:
        return
    at = custody.recording(group).moment
    kept = Kept(stored.evidence_id, stored.message_id, stored.manifest)
    saying = await _support(work, group.records[record_id], stored, kept, at)
    await take_effect(work, group, [saying], at, Speaker(_CONSENT), custody)


async def count(work: Work, person: Person, said: StatementRecorded) -> list[Saying]:
    """Let evidence count that came before the statement which names it; returns what to say after the statement.

    The person's row is locked; whoever calls saves it, and reads the word, afterwards.
    """
    if said.evidence is None:
        return []
    agency_id = said.recorded_by.agency_id
    kept = await evidence.name(work.session, agency_id, said.statement_id, said.evidence, person.record_id)
    granted = await statements.recorder_of_grant(work.session, said.statement_id, [person.record_id])
    if kept is None or granted is None:
        return []
    return [await _support(work, person, said, kept, said.recorded_at)]


async def _support(
    work: Work, person: Person, about: EvidenceStored | StatementRecorded, kept: Kept, at: datetime
) -> Saying:
    """Write that evidence of a statement is kept, under the person's next number."""
    evidenced = StatementEvidenced(
        record_id=person.record_id,
        number=person.take_number(at),
        statement_id=about.statement_id,
        referral_id=about.referral_id,
        evidence_id=kept.evidence_id,
        digest=about.digest if isinstance(about, EvidenceStored) else about.evidence,
        recorded_at=at,
    )
    await supports.insert_evidenced(work.session, evidenced, kept.message_id, kept.manifest)
    cause = Cause(f"evidence:{kept.evidence_id}", 1)
    return Saying(Emission(person.aggregate, evidenced, _CONSENT, cause=cause), evidenced.number)


async def _check_signed(work: Work, stored: EvidenceStored) -> None:
    recorder = stored.recorded_by.agency_id
    agency = await membership.agency(work.session, recorder)
    if agency is None:
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    manifest = verify_manifest(stored.manifest, agency.keys.signing, recorder)
    said = (stored.evidence_id, stored.statement_id, stored.digest)
    if not isinstance(manifest, StoreEvidence) or said != _named(manifest):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="manifest")


def _named(manifest: StoreEvidence) -> tuple[str, str, str]:
    return manifest.data.evidence_id, manifest.data.statement_id, manifest.data.digest
