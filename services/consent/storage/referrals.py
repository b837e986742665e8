"""Referrals as consent follows them, with their sections."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import CLOSED, Referral, Section
from services.consent.storage import rows
from services.consent.storage.tables import referrals, sections
from tsunagu_contracts.codes import Category, Purpose, ReferralState, RefusalCode

_FOLLOW = sa.text("""
    UPDATE referrals SET state = new.state, addressee = new.addressee, version = new.version
    FROM unnest(
        CAST(:referral_ids AS text[]), CAST(:states AS text[]), CAST(:addressees AS text[]),
        CAST(:versions AS int[])
    ) AS new (referral_id, state, addressee, version)
    WHERE referrals.referral_id = new.referral_id
""")
_HOLD = sa.text("SELECT state, addressee FROM referrals WHERE referral_id = :referral_id FOR SHARE")
_KNOWN_SECTIONS = sa.text("SELECT section_id FROM sections WHERE section_id = ANY(:section_ids) AND invalid IS NULL")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a referral stands: its state, addressee and version."""

    referral_id: str
    state: ReferralState
    addressee: str
    version: int


async def insert(session: AsyncSession, begun: Sequence[tuple[Referral, int]]) -> None:
    """Write new referrals, each with its version, and their sections."""
    await rows.insert(
        session,
        referrals,
        [
            {
                "referral_id": referral.referral_id,
                "record_id": referral.record_id,
                "handle_id": referral.handle_id,
                "sender": referral.sender,
                "addressee": referral.addressee,
                "purpose": referral.purpose.value,
                "state": referral.state.value,
                "version": version,
                "capsule": referral.capsule,
            }
            for referral, version in begun
        ],
    )
    await rows.insert(
        session,
        sections,
        [
            {
                "referral_id": referral.referral_id,
                "section_id": section.section_id,
                "position": position,
                "category": section.category.value,
                "digest": section.digest,
                "invalid": section.invalid.value if section.invalid else None,
            }
            for referral, _ in begun
            for position, section in enumerate(referral.sections)
        ],
    )


async def follow(session: AsyncSession, standings: Collection[Standing]) -> None:
    """Note where referrals now stand; those that are not known are passed over."""
    if standings:
        await session.execute(
            _FOLLOW,
            {
                "referral_ids": [standing.referral_id for standing in standings],
                "states": [standing.state.value for standing in standings],
                "addressees": [standing.addressee for standing in standings],
                "versions": [standing.version for standing in standings],
            },
        )


async def known_sections(session: AsyncSession, section_ids: Collection[str]) -> set[str]:
    """Those of these section ids that are valid in some referral already."""
    found = await session.execute(_KNOWN_SECTIONS, {"section_ids": list(section_ids)})
    return {row.section_id for row in found}


async def load(session: AsyncSession, referral_id: str) -> Referral | None:
    """Read one referral; None when it is unknown."""
    found = await _select(session, referrals.c.referral_id == referral_id)
    return found[0] if found else None


async def hold(session: AsyncSession, referral: Referral) -> Referral:
    """Read where a referral stands and keep it from changing until the transaction ends."""
    row = (await session.execute(_HOLD, {"referral_id": referral.referral_id})).one()
    return referral.standing_at(ReferralState(row.state), row.addressee)


async def open_of(session: AsyncSession, record_ids: Collection[str]) -> list[Referral]:
    """Read every referral of these persons that is not over, by id."""
    return await _select(
        session,
        referrals.c.record_id == sa.func.any(sa.cast(list(record_ids), sa.ARRAY(sa.Text))),
        referrals.c.state.not_in([state.value for state in CLOSED]),
    )


async def _select(session: AsyncSession, *conditions: sa.ColumnElement[bool]) -> list[Referral]:
    found = (await session.execute(sa.select(referrals).where(*conditions).order_by(referrals.c.referral_id))).all()
    by_referral = await _sections_of(session, [row.referral_id for row in found])
    return [
        Referral(
            row.referral_id,
            row.record_id,
            row.handle_id,
            row.sender,
            row.addressee,
            Purpose(row.purpose),
            ReferralState(row.state),
            row.capsule,
            tuple(by_referral[row.referral_id]),
        )
        for row in found
    ]


async def _sections_of(session: AsyncSession, referral_ids: Collection[str]) -> dict[str, list[Section]]:
    by_referral: dict[str, list[Section]] = defaultdict(list)
    if referral_ids:
        wanted = sa.cast(list(referral_ids), sa.ARRAY(sa.Text))
        for row in await session.execute(
            sa.select(sections)
            .where(sections.c.referral_id == sa.func.any(wanted))
            .order_by(sections.c.referral_id, sections.c.position)
        ):
            by_referral[row.referral_id].append(
                Section(
                    row.section_id,
                    Category(row.category),
                    row.digest,
                    RefusalCode(row.invalid) if row.invalid else None,
                )
            )
    return by_referral
