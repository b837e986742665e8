"""Agencies' reports of their records, and how these stand to the openings in the log."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.domain.mandates import Mandate
from services.audit.domain.provisions import Gap, Unplaced, recorded
from services.audit.storage.questions import AccessPlace
from tsunagu_contracts.codes import ProvisionSide
from tsunagu_contracts.events.audit import ProvisionReported
from tsunagu_contracts.manifests import RecordKept

AT_MOST = 201
"""How many rows the questions read: a page of 200, and one that tells of more."""

_FIRST = (datetime(1, 1, 1, tzinfo=UTC), "")

_EARLIER = sa.text("""
    SELECT report_id, reported_at, manifest FROM provision_reports
    WHERE agency_id = :agency_id AND message_id = :message_id
""")
_REPORT = sa.text("""
    INSERT INTO provision_reports (agency_id, message_id, report_id, reported_at, manifest)
    VALUES (:agency_id, :message_id, :report_id, :at, :manifest)
""")
# In the order of the key, so that two reports never wait for each other in a circle.
_RECORD = sa.text("""
    INSERT INTO provision_records (agency_id, side, release_id, digest, reported_at)
    SELECT :agency_id, :side, said.release_id, said.digest, :at
    FROM unnest(CAST(:release_ids AS text[]), CAST(:digests AS text[])) AS said (release_id, digest)
    ORDER BY said.release_id
    ON CONFLICT (agency_id, side, release_id) DO UPDATE SET digest = excluded.digest, reported_at = excluded.reported_at
""")
_UNPLACED_BEFORE = sa.text(f"""
    SELECT release_id FROM provision_records WHERE agency_id = :agency_id AND NOT placed
    ORDER BY release_id, side LIMIT {AT_MOST}
""")  # noqa: S608 - a number of our own
_PLACE = sa.text("""
    UPDATE provision_records AS kept SET placed = true
    FROM unnest(CAST(:release_ids AS text[])) AS said (release_id) JOIN accesses USING (release_id)
    WHERE kept.agency_id = :agency_id AND kept.side IN ('provided', 'received') AND kept.release_id = said.release_id
        AND NOT kept.placed AND accesses.agreed IS NOT NULL
        AND kept.agency_id = CASE kept.side WHEN 'provided' THEN accesses.provider ELSE accesses.agency_id END
""")
# Whether both agree is asked anew in every question: here it only goes into the index, or out of it.
_MATCH = sa.text("""
    UPDATE accesses SET matched = now.matched FROM (
        SELECT release_id, EXISTS (
            SELECT FROM provision_records AS one
            WHERE one.agency_id = opened.provider AND one.side = 'provided' AND one.release_id = opened.release_id
                AND one.digest = opened.agreed
        ) AND EXISTS (
            SELECT FROM provision_records AS other
            WHERE other.agency_id = opened.agency_id AND other.side = 'received'
                AND other.release_id = opened.release_id AND other.digest = opened.agreed
        ) AS matched
        FROM (
            SELECT release_id, provider, agency_id, agreed
            FROM unnest(CAST(:release_ids AS text[])) AS said (release_id) JOIN accesses USING (release_id)
            WHERE agreed IS NOT NULL AND :agency_id IN (provider, agency_id)
            ORDER BY release_id FOR UPDATE OF accesses
        ) AS opened
    ) AS now
    WHERE accesses.release_id = now.release_id AND accesses.matched <> now.matched
""")
_GAP = """
    SELECT opened.release_id, opened.referral_id, opened.section_id, opened.decided_at, opened.provider,
        opened.agency_id AS recipient, opened.agreed, one.digest AS provided, other.digest AS received
    FROM accesses AS opened
    LEFT JOIN provision_records AS one
        ON one.agency_id = opened.provider AND one.side = 'provided' AND one.release_id = opened.release_id
    LEFT JOIN provision_records AS other
        ON other.agency_id = opened.agency_id AND other.side = 'received' AND other.release_id = opened.release_id
    WHERE opened.agreed IS NOT NULL AND NOT opened.matched AND opened.provider <> opened.agency_id
        AND (one.digest IS DISTINCT FROM opened.agreed OR other.digest IS DISTINCT FROM opened.agreed)
        AND (opened.decided_at, opened.release_id) > (:after_at, :after_id)
"""
_IN_ORDER = f"ORDER BY decided_at, release_id LIMIT {AT_MOST}"
_GAPS_OF_AGENCY = sa.text(f"""
    SELECT * FROM (
        ({_GAP} AND opened.provider = :agency_id AND opened.decided_at < :before {_IN_ORDER})
        UNION ALL
        ({_GAP} AND opened.agency_id = :agency_id AND opened.decided_at < :before {_IN_ORDER})
    ) AS gaps {_IN_ORDER}
""")  # noqa: S608 - texts of our own
_GAPS_IN_MANDATE = sa.text(f"""
    SELECT gaps.* FROM ({_GAP}
        AND (opened.provider = ANY(:agencies) OR opened.agency_id = ANY(:agencies))
        AND opened.decided_at >= :since AND opened.decided_at < :before
    ) AS gaps JOIN referral_scopes USING (referral_id) WHERE area = ANY(:areas) {_IN_ORDER}
""")  # noqa: S608 - texts of our own
_UNPLACED = sa.text(f"""
    SELECT agency_id, release_id, side, reported_at FROM provision_records AS kept
    WHERE agency_id = ANY(:agencies) AND NOT placed AND reported_at >= :since AND reported_at < :before
        AND (agency_id, release_id, side) > (:after_agency, :after_id, :after_side)
        AND NOT EXISTS (
            SELECT FROM accesses WHERE accesses.release_id = kept.release_id AND agreed IS NOT NULL
                AND kept.agency_id = CASE kept.side WHEN 'provided' THEN provider ELSE accesses.agency_id END
        )
    ORDER BY agency_id, release_id, side LIMIT {AT_MOST}
""")  # noqa: S608 - a number of our own


class Report(NamedTuple):
    """A report that an agency has made before."""

    report_id: str
    reported_at: datetime
    manifest: str


class RecordPlace(NamedTuple):
    """A place in the order of reported records: what comes after it is the next page."""

    agency_id: str
    release_id: str
    side: ProvisionSide

    @classmethod
    def of(cls, record: Unplaced) -> "RecordPlace":
        """Where this record stands."""
        return cls(record.agency_id, record.release_id, record.side)


async def earlier(session: AsyncSession, agency_id: str, message_id: str) -> Report | None:
    """Read what an agency has reported by this message; None when it has not."""
    row = (await session.execute(_EARLIER, {"agency_id": agency_id, "message_id": message_id})).one_or_none()
    return None if row is None else Report(*row)


async def keep(session: AsyncSession, said: ProvisionReported, records: Sequence[RecordKept]) -> None:
    """Keep a report and its records, of which the last report counts, and match what can be matched by now."""
    about: Mapping[str, object] = {"agency_id": said.agency_id, "at": said.reported_at}
    report = {"message_id": said.message_id, "report_id": said.report_id, "manifest": said.manifest}
    await session.execute(_REPORT, {**about, **report})
    release_ids = [record.release_id for record in records]
    digests = [record.digest for record in records]
    columns = {"side": said.side.value, "release_ids": release_ids, "digests": digests}
    await session.execute(_RECORD, {**about, **columns})
    # What came before its opening is looked for again: the log may have it by now.
    before = (await session.execute(_UNPLACED_BEFORE, {"agency_id": said.agency_id})).scalars()
    wanted = {"agency_id": said.agency_id, "release_ids": sorted({*release_ids, *before})}
    await session.execute(_PLACE, wanted)
    await session.execute(_MATCH, wanted)


async def gaps_of(session: AsyncSession, agency_id: str, *, before: datetime, after: AccessPlace | None) -> list[Gap]:
    """Read the gaps of openings of this agency's, on either side, before a moment; oldest first, `AT_MOST`."""
    return await _gaps(session, _GAPS_OF_AGENCY, {"agency_id": agency_id, "before": before}, after)


async def gaps_within(
    session: AsyncSession, mandate: Mandate, *, before: datetime, after: AccessPlace | None
) -> list[Gap]:
    """Read the gaps of openings within a mandate, before a moment; oldest first, `AT_MOST`."""
    bounds = {
        "agencies": sorted(mandate.agencies),
        "areas": sorted(mandate.areas),
        "since": mandate.valid_from,
        "before": min(before, mandate.valid_until),
    }
    return await _gaps(session, _GAPS_IN_MANDATE, bounds, after)


async def _gaps(
    session: AsyncSession, statement: sa.TextClause, bounds: Mapping[str, object], after: AccessPlace | None
) -> list[Gap]:
    after_at, after_id = (after.decided_at, after.release_id) if after else _FIRST
    return [
        Gap(
            row.release_id,
            row.referral_id,
            row.section_id,
            row.decided_at,
            row.provider,
            row.recipient,
            recorded(row.provided, row.agreed),
            recorded(row.received, row.agreed),
        )
        for row in await session.execute(statement, {**bounds, "after_at": after_at, "after_id": after_id})
    ]


async def unplaced(
    session: AsyncSession, agencies: Collection[str], since: datetime, before: datetime, after: RecordPlace | None
) -> list[Unplaced]:
    """Read these agencies' records of openings that are not known, reported in a time; `AT_MOST`."""
    after_agency, after_id, after_side = after or ("", "", "")
    values = {"agencies": sorted(agencies), "since": since, "before": before}
    place = {"after_agency": after_agency, "after_id": after_id, "after_side": after_side}
    return [
        Unplaced(row.agency_id, row.release_id, ProvisionSide(row.side), row.reported_at)
        for row in await session.execute(_UNPLACED, {**values, **place})
    ]
