"""Agencies report that they keep the records of 29条 and 30条; what is missing is told to them and to auditors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.domain.mandates import Mandate
from services.audit.domain.provisions import Gap, Unplaced
from services.audit.storage import provisions
from services.audit.storage.provisions import RecordPlace
from services.audit.storage.questions import AccessPlace
from services.audit.use_cases import answering
from services.audit.use_cases.answering import Answer, Asked
from services.eventing.work import Emission, Work
from services.membership.messages import Verified, acting, appointed
from services.runtime.identity import Caller
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.audit import ProvisionReported
from tsunagu_contracts.manifests import ReportProvisions


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that is kept; `again` when the same message had been kept before."""

    report_id: str
    reported_at: datetime
    again: bool


async def report(work: Work, verified: Verified[ReportProvisions]) -> Reported:
    """Keep an agency's report of its records, and say that it has reported.

    The same message again changes nothing. Nothing in the answer tells whether an opening is known. Refuses with the
    codes of `appointed` and with `duplicate_id` (other content under a known message id).
    """
    manifest = verified.manifest
    await appointed(work, manifest)
    earlier = await provisions.earlier(work.session, manifest.agency_id, manifest.id)
    if earlier is not None:
        if not verified.says_the_same(earlier.manifest):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Reported(earlier.report_id, earlier.reported_at, again=True)
    said = ProvisionReported(
        report_id=work.ids.new(),
        agency_id=manifest.agency_id,
        side=manifest.data.side,
        records=len(manifest.data.records),
        reported_at=work.now,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await provisions.keep(work.session, said, manifest.data.records)
    await work.emit(Emission(f"provisions:{said.report_id}", said, verified.actor, manifest.appointment))
    return Reported(said.report_id, said.reported_at, again=False)


async def gaps_of_caller(
    session: AsyncSession, caller: Caller, now: datetime, before: datetime, after: AccessPlace | None
) -> list[Gap]:
    """The gaps of the caller's agency, on either side; refuses with the codes of `acting`."""
    return await provisions.gaps_of(session, await acting(session, caller, now), before=before, after=after)


async def unplaced_of_caller(
    session: AsyncSession, caller: Caller, now: datetime, before: datetime, after: RecordPlace | None
) -> list[Unplaced]:
    """The caller's agency's records of openings that are not known; refuses with the codes of `acting`."""
    agency_id = await acting(session, caller, now)
    return await provisions.unplaced(session, [agency_id], datetime.min.replace(tzinfo=now.tzinfo), before, after)


async def gaps(work: Work, asked: Asked, before: datetime, after: AccessPlace | None, limit: int) -> Answer[Gap]:
    """The gaps within an auditor's mandate."""

    async def find(mandate: Mandate) -> Sequence[Gap]:
        return (await provisions.gaps_within(work.session, mandate, before=before, after=after))[: limit + 1]

    return await answering.answer(work, asked, find, limit)


async def unplaced(
    work: Work, asked: Asked, before: datetime, after: RecordPlace | None, limit: int
) -> Answer[Unplaced]:
    """Records of openings that are not known, of the agencies in an auditor's mandate."""

    async def find(mandate: Mandate) -> Sequence[Unplaced]:
        until = min(before, mandate.valid_until)
        found = await provisions.unplaced(work.session, mandate.agencies, mandate.valid_from, until, after)
        return found[: limit + 1]

    return await answering.answer(work, asked, find, limit)
