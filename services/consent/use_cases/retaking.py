"""Taking in once more what a restored database has forgotten: as it was said then, and without saying it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.consent.domain.coverage import Referral, Section
from services.consent.storage import restoring
from services.consent.storage.referrals import Standing
from services.consent.storage.restoring import RestoredReferral
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.submissions import Examined
from services.eventing.work import Work


@dataclass(frozen=True, slots=True)
class _Again:
    """A referral that comes once more, and what the log says of it."""

    examined: Examined
    said: RestoredReferral

    @property
    def is_known(self) -> bool:
        """Whether the log says whose it is, or that nothing of it was valid; else it is taken in like a new one."""
        sections = {section.section_id for section in self.examined.said.sections}
        return self.said.record_id is not None or (self.said.faults is not None and sections <= self.said.faults.keys())


async def take_in_again(
    work: Work, examined: Sequence[Examined], standings: Mapping[str, Standing], custody: Custody
) -> list[Examined]:
    """Write those that the log knows, with the person and the faults that it gives them; returns the others.

    Each statement takes effect by itself and can be repeated: what is left undone by a crash comes again.
    """
    found = [_Again(one, said) for one in examined if (said := custody.restored.get(one.said.referral_id)) is not None]
    again = [one for one in found if one.is_known]
    if not again:
        return list(examined)
    record_ids = {one.said.record_id for one in again if one.said.record_id is not None}
    persons = await restoring.standings(work, record_ids)
    written = [_referral(one, persons, standings[one.examined.said.referral_id]) for one in again]
    numbers = {record_id: person.number for record_id, person in persons.items()}
    await restoring.take_again(work, [(each, standings[each.referral_id].version) for each in written], numbers)
    await restoring.remember_again(
        work,
        {key: section for one in again for section, key in one.examined.findings.key_hashes.items()},
        {
            one.examined.reference: one.said.record_id
            for one in again
            if one.examined.reference is not None and one.said.record_id is not None
        },
    )
    await restoring.cover_again(
        work, {one.said.record_id for one in again if one.said.record_id is not None and one.said.faults is None}
    )
    done = {each.referral_id for each in written}
    return [one for one in examined if one.said.referral_id not in done]


def _referral(again: _Again, persons: Mapping[str, restoring.Standing], standing: Standing) -> Referral:
    said, record_id = again.examined.said, again.said.record_id
    faults = again.examined.findings.faults if again.said.faults is None else again.said.faults
    erased = persons[record_id].erased if record_id is not None else None
    claim = again.examined.claim
    return Referral(
        said.referral_id,
        record_id,
        said.handle_id,
        said.sender,
        standing.addressee,
        said.purpose,
        standing.state,
        claim.capsule if claim is not None and record_id is not None and erased is None else None,
        tuple(
            Section(section.section_id, section.category, section.digest, faults.get(section.section_id))
            for section in said.sections
        ),
        erased,
    )
