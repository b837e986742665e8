"""Disclosures outside the network: added and read, never changed."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import disclosures
from tsunagu_contracts.codes import Category, DisclosureGround, DisclosureWay, OutsideBody
from tsunagu_contracts.events.consent import DisclosureRecorded

AT_MOST = 200
"""How many `of_agency` reads at most."""

_KNOWN = sa.text("""
    SELECT recorded_at, manifest FROM disclosures
    WHERE agency_id = :agency_id AND (disclosure_id = :disclosure_id OR message_id = :message_id)
""")
_OF_AGENCY = sa.text(f"""
    SELECT disclosure_id, referral_id, ground, way, to_agency, to_body, categories, disclosed_at, recorded_at
    FROM disclosures WHERE agency_id = :agency_id AND disclosure_id > :after
    ORDER BY disclosure_id LIMIT {AT_MOST}
""")  # noqa: S608 - a number of our own


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A disclosure as the agency that made it sees it."""

    disclosure_id: str
    referral_id: str
    ground: DisclosureGround
    way: DisclosureWay
    to_agency: str | None
    to_body: OutsideBody | None
    categories: tuple[Category, ...]
    disclosed_at: datetime
    recorded_at: datetime


async def insert(session: AsyncSession, said: DisclosureRecorded) -> None:
    """Write a disclosure as its event says it."""
    await rows.insert(
        session,
        disclosures,
        [
            {
                "record_id": said.record_id,
                "number": said.number,
                "agency_id": said.recorded_by.agency_id,
                "disclosure_id": said.disclosure_id,
                "referral_id": said.referral_id,
                "ground": said.ground.value,
                "way": said.way.value,
                "to_agency": said.to_agency,
                "to_body": said.to_body.value if said.to_body else None,
                "categories": [each.value for each in said.categories],
                "disclosed_at": said.disclosed_at,
                "recorded_at": said.recorded_at,
                "message_id": said.message_id,
                "manifest": said.manifest,
            }
        ],
    )


async def known(
    session: AsyncSession, agency_id: str, disclosure_id: str, message_id: str
) -> list[tuple[datetime, str]]:
    """Read when this agency recorded what has one of these ids, and the tokens; empty when it has not."""
    wanted = {"agency_id": agency_id, "disclosure_id": disclosure_id, "message_id": message_id}
    return [(row.recorded_at, row.manifest) for row in await session.execute(_KNOWN, wanted)]


async def of_agency(session: AsyncSession, agency_id: str, *, after: str) -> list[Disclosed]:
    """List an agency's disclosures by id, those after this one, `AT_MOST`."""
    return [
        Disclosed(
            row.disclosure_id,
            row.referral_id,
            DisclosureGround(row.ground),
            DisclosureWay(row.way),
            row.to_agency,
            OutsideBody(row.to_body) if row.to_body else None,
            tuple(map(Category, row.categories)),
            row.disclosed_at,
            row.recorded_at,
        )
        for row in await session.execute(_OF_AGENCY, {"agency_id": agency_id, "after": after})
    ]
