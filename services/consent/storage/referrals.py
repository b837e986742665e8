"""Referrals as consent follows them, with their sections."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import CLOSED, Referral, Section
from services.consent.storage.tables import referrals, sections
from services.eventing.statements import Row, Statement
from services.eventing.work import Work
from tsunagu_contracts.codes import Category, Purpose, ReferralState, RefusalCode

_FOLLOW = Statement("""
    UPDATE referrals SET state = new.state, addressee = new.addressee, version = new.version
    FROM unnest(
        CAST(:referral_ids AS text[]), CAST(:states AS text[]), CAST(:addressees AS text[]),
        CAST(:versions AS int[])
    ) AS new (referral_id, state, addressee, version)
    WHERE referrals.referral_id = new.referral_id
    RETURNING 1
""")
_INSERT = Statement("""
    INSERT INTO referrals (
        referral_id, record_id, handle_id, sender, addressee, purpose, state, version, capsule
    )
    SELECT * FROM unnest(
        CAST(:referral_ids AS text[]), CAST(:record_ids AS text[]), CAST(:handle_ids AS text[]),
        CAST(:senders AS text[]), CAST(:addressees AS text[]), CAST(:purposes AS text[]),
        CAST(:states AS text[]), CAST(:versions AS int[]), CAST(:capsules AS text[])
    )
""")
# A section id that another referral has made its own meanwhile is left out, and thereby noticed.
_INSERT_SECTIONS = Statement("""
    INSERT INTO sections (referral_id, section_id, position, category, digest, invalid)
    SELECT * FROM unnest(
        CAST(:referral_ids AS text[]), CAST(:section_ids AS text[]), CAST(:positions AS int[]),
        CAST(:categories AS text[]), CAST(:digests AS text[]), CAST(:faults AS text[])
    )
    ON CONFLICT (section_id) WHERE invalid IS NULL DO NOTHING
    RETURNING 1
""")
_STANDS = Statement("""
    SELECT FROM referrals
    WHERE referral_id = CAST(:referral_id AS text) AND state = CAST(:state AS text)
        AND addressee = CAST(:addressee AS text)
    FOR SHARE
""")
_HOLD = sa.text("SELECT state, addressee, erased FROM referrals WHERE referral_id = :referral_id FOR SHARE")

COLUMNS = ("referral_id", "record_id", "handle_id", "sender", "addressee", "purpose", "state", "capsule", "erased")
"""What `referral_of` takes."""

SECTION_COLUMNS = ("section_id", "category", "digest", "invalid")
"""What `section_of` takes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a referral stands: its state, addressee and version."""

    referral_id: str
    state: ReferralState
    addressee: str
    version: int


def insert(work: Work, begun: Sequence[tuple[Referral, int]]) -> None:
    """Write new referrals, each with its version, and their sections.

    Where a section's id has become valid in another referral meanwhile, nothing is kept.
    """
    referrals = [referral for referral, _ in begun]
    work.later(
        _INSERT,
        {
            "referral_ids": [referral.referral_id for referral in referrals],
            "record_ids": [referral.record_id for referral in referrals],
            "handle_ids": [referral.handle_id for referral in referrals],
            "senders": [referral.sender for referral in referrals],
            "addressees": [referral.addressee for referral in referrals],
            "purposes": [referral.purpose.value for referral in referrals],
            "states": [referral.state.value for referral in referrals],
            "versions": [version for _, version in begun],
            "capsules": [referral.capsule for referral in referrals],
        },
    )
    placed = [
        (referral.referral_id, position, section)
        for referral in referrals
        for position, section in enumerate(referral.sections)
    ]
    if placed:
        work.later(
            _INSERT_SECTIONS,
            {
                "referral_ids": [referral_id for referral_id, _, _ in placed],
                "section_ids": [section.section_id for _, _, section in placed],
                "positions": [position for _, position, _ in placed],
                "categories": [section.category.value for _, _, section in placed],
                "digests": [section.digest for _, _, section in placed],
                "faults": [section.invalid.value if section.invalid else None for _, _, section in placed],
            },
            touches=len(placed),
        )


def follow(work: Work, standings: Collection[Standing], *, known: int | None = None) -> None:
    """Note where referrals now stand; unknown ones are passed over.

    `known` is how many are known, for a work that takes persons' rows too: rows of referrals are then taken
    first, as a release takes them.
    """
    if standings:
        ordered = sorted(standings, key=lambda standing: standing.referral_id)
        work.later(
            _FOLLOW,
            {
                "referral_ids": [standing.referral_id for standing in ordered],
                "states": [standing.state.value for standing in ordered],
                "addressees": [standing.addressee for standing in ordered],
                "versions": [standing.version for standing in ordered],
            },
            touches=known,
        )


async def load(session: AsyncSession, referral_id: str) -> Referral | None:
    """Read one referral; None when it is unknown."""
    found = await _select(session, referrals.c.referral_id == referral_id)
    return found[0] if found else None


async def hold(session: AsyncSession, referral: Referral) -> Referral:
    """Read where a referral stands and keep it from changing until the transaction ends."""
    row = (await session.execute(_HOLD, {"referral_id": referral.referral_id})).one()
    return referral.standing_at(ReferralState(row.state), row.addressee, row.erased)


def rely_on(work: Work, referral: Referral) -> None:
    """Keep nothing of a work where a referral stands otherwise by its end than it was seen to stand."""
    work.later(
        _STANDS,
        {"referral_id": referral.referral_id, "state": referral.state.value, "addressee": referral.addressee},
        touches=1,
    )


async def open_of(session: AsyncSession, record_ids: Collection[str]) -> list[Referral]:
    """Read every referral of these persons that is not over, by id."""
    return await _select(
        session,
        referrals.c.record_id == sa.func.any(sa.cast(list(record_ids), sa.ARRAY(sa.Text))),
        referrals.c.state.not_in([state.value for state in CLOSED]),
    )


async def _select(session: AsyncSession, *conditions: sa.ColumnElement[bool]) -> list[Referral]:
    wanted = sa.select(*(referrals.c[name] for name in COLUMNS)).where(*conditions).order_by(referrals.c.referral_id)
    found = (await session.execute(wanted)).all()
    by_referral = await _sections_of(session, [row.referral_id for row in found])
    return [referral_of(row, by_referral[row.referral_id]) for row in found]


def referral_of(row: Row, its_sections: Iterable[Section]) -> Referral:
    """The referral that the columns `COLUMNS` tell of."""
    referral_id, record_id, handle_id, sender, addressee, purpose, state, capsule, erased = row
    return Referral(
        referral_id,
        record_id,
        handle_id,
        sender,
        addressee,
        Purpose(purpose),
        ReferralState(state),
        capsule,
        tuple(its_sections),
        erased,
    )


def section_of(row: Row) -> Section:
    """The section that the columns `SECTION_COLUMNS` tell of."""
    section_id, category, digest, invalid = row
    return Section(section_id, Category(category), digest, RefusalCode(invalid) if invalid else None)


async def _sections_of(session: AsyncSession, referral_ids: Collection[str]) -> dict[str, list[Section]]:
    by_referral: dict[str, list[Section]] = defaultdict(list)
    if referral_ids:
        wanted = sa.cast(list(referral_ids), sa.ARRAY(sa.Text))
        for referral_id, *row in await session.execute(
            sa.select(sections.c.referral_id, *(sections.c[name] for name in SECTION_COLUMNS))
            .where(sections.c.referral_id == sa.func.any(wanted))
            .order_by(sections.c.referral_id, sections.c.position)
        ):
            by_referral[referral_id].append(section_of(row))
    return by_referral
