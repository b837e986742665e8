"""What a database restored from a backup is told again by the log, written beside what it still knows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import Referral
from services.consent.storage.persons import Reference
from services.eventing.outbox import Head
from services.eventing.statements import Conflict, Statement
from services.eventing.work import Work
from tsunagu_contracts.codes import RefusalCode

_HEADS = sa.text("SELECT aggregate, version, digest FROM streams WHERE aggregate = ANY(:aggregates)")
_MOVE_HEADS = sa.text("""
    INSERT INTO streams (aggregate, version, digest)
    SELECT * FROM unnest(CAST(:aggregates AS text[]), CAST(:versions AS int[]), CAST(:digests AS text[]))
    ON CONFLICT (aggregate) DO UPDATE SET version = excluded.version, digest = excluded.digest
""")
_OPEN_RECORD = sa.text(
    "INSERT INTO persons (record_id, number, latest_at, group_id) VALUES (:record_id, 0, :at, :record_id)"
)
_COUNT = sa.text("""
    UPDATE persons SET number = :number, latest_at = greatest(latest_at, :at) WHERE record_id = :record_id
""")
_LINK = sa.text("""
    INSERT INTO restored_referrals (referral_id, record_id) VALUES (:referral_id, :record_id)
    ON CONFLICT (referral_id) DO UPDATE SET record_id = excluded.record_id
""")
_COVER = sa.text("""
    INSERT INTO restored_referrals (referral_id, faults)
    SELECT :referral_id, CAST(:faults AS jsonb)
    WHERE NOT EXISTS (SELECT 1 FROM referrals WHERE referral_id = :referral_id)
    ON CONFLICT (referral_id) DO UPDATE SET faults = excluded.faults
""").bindparams(sa.bindparam("referral_id", type_=sa.Text), sa.bindparam("faults", type_=sa.JSON))
_NOTE = sa.text("INSERT INTO restorations (restored_at) VALUES (:at) ON CONFLICT DO NOTHING")
_EVER = sa.text("SELECT EXISTS (SELECT 1 FROM restorations)")
_REFERRALS = sa.text("SELECT referral_id, record_id, faults FROM restored_referrals").columns(
    sa.column("referral_id", sa.Text), sa.column("record_id", sa.Text), sa.column("faults", sa.JSON)
)

# What follows can be done twice: a crash may come between these statements, and the batch then comes again.
_NUMBERS = Statement("""
    SELECT persons.record_id, persons.number, erasures.number FROM persons LEFT JOIN erasures USING (record_id)
    WHERE persons.record_id = ANY(CAST(:record_ids AS text[]))
""")
# Nobody is erased between the look and this: whoever has taken a number meanwhile is left out, and thereby noticed.
_TAKE_AGAIN = Statement("""
    WITH held AS (
        SELECT persons.record_id FROM persons JOIN unnest(
            CAST(:held_ids AS text[]), CAST(:numbers AS int[])
        ) AS seen (record_id, number) USING (record_id)
        WHERE persons.number = seen.number ORDER BY persons.record_id FOR NO KEY UPDATE OF persons
    )
    INSERT INTO referrals (
        referral_id, record_id, handle_id, sender, addressee, purpose, state, version, capsule, erased
    )
    SELECT * FROM unnest(
        CAST(:referral_ids AS text[]), CAST(:record_ids AS text[]), CAST(:handle_ids AS text[]),
        CAST(:senders AS text[]), CAST(:addressees AS text[]), CAST(:purposes AS text[]), CAST(:states AS text[]),
        CAST(:versions AS int[]), CAST(:capsules AS text[]), CAST(:erased AS int[])
    ) AS again (
        referral_id, record_id, handle_id, sender, addressee, purpose, state, version, capsule, erased
    )
    WHERE record_id IS NULL OR record_id IN (SELECT record_id FROM held)
    ON CONFLICT (referral_id) DO NOTHING
""")
_TAKEN = Statement("SELECT count(*) FROM referrals WHERE referral_id = ANY(CAST(:referral_ids AS text[]))")
_SECTIONS_AGAIN = Statement("""
    INSERT INTO sections (referral_id, section_id, position, category, digest, invalid)
    SELECT * FROM unnest(
        CAST(:referral_ids AS text[]), CAST(:section_ids AS text[]), CAST(:positions AS int[]),
        CAST(:categories AS text[]), CAST(:digests AS text[]), CAST(:faults AS text[])
    )
    ON CONFLICT DO NOTHING
""")
_HANDLES_AGAIN = Statement("""
    INSERT INTO handles (handle_id, agency_id, issued_at, expires_at, referral_id)
    SELECT handle_id, agency_id, CAST(:at AS timestamptz), CAST(:at AS timestamptz), referral_id
    FROM unnest(CAST(:handle_ids AS text[]), CAST(:senders AS text[]), CAST(:referral_ids AS text[]))
        AS used (handle_id, agency_id, referral_id)
    ON CONFLICT (handle_id) DO UPDATE SET referral_id = excluded.referral_id
""")
_KEYS_AGAIN = Statement("""
    INSERT INTO content_keys (key_hash, section_id)
    SELECT * FROM unnest(CAST(:hashes AS text[]), CAST(:section_ids AS text[])) ON CONFLICT DO NOTHING
""")
_REFER_AGAIN = Statement("""
    INSERT INTO person_references (agency_id, reference_hash, record_id)
    SELECT * FROM unnest(CAST(:agency_ids AS text[]), CAST(:hashes AS text[]), CAST(:record_ids AS text[]))
        AS meant (agency_id, reference_hash, record_id)
    WHERE record_id NOT IN (SELECT record_id FROM erasures WHERE record_id = ANY(CAST(:record_ids AS text[])))
    ON CONFLICT DO NOTHING
""")
_DUE_AGAIN = Statement("""
    INSERT INTO coverage_due (record_id, due_at)
    SELECT unnest(CAST(:record_ids AS text[])), CAST(:at AS timestamptz) ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class RestoredReferral:
    """What the log says of a referral that a restored database did not know.

    `record_id` is None where it never said whose it is; `faults` are what is wrong with which section, None where
    coverage was never said.
    """

    record_id: str | None
    faults: Mapping[str, RefusalCode] | None


async def heads(session: AsyncSession, aggregates: Collection[str]) -> dict[str, Head]:
    """Where streams stand in this database; those of which it knows nothing are absent."""
    found = await session.execute(_HEADS, {"aggregates": sorted(aggregates)})
    return {row.aggregate: Head(row.version, row.digest) for row in found}


async def move_heads(session: AsyncSession, moved: Mapping[str, Head]) -> None:
    """Note where streams now stand."""
    names = sorted(moved)
    values = {
        "aggregates": names,
        "versions": [moved[name].version for name in names],
        "digests": [moved[name].digest for name in names],
    }
    await session.execute(_MOVE_HEADS, values)


async def open_record(session: AsyncSession, record_id: str, at: datetime) -> None:
    """Begin a person's record, as yet without a number."""
    await session.execute(_OPEN_RECORD, {"record_id": record_id, "at": at})


async def count(session: AsyncSession, record_id: str, number: int, at: datetime) -> None:
    """Note the last number that a person has taken."""
    await session.execute(_COUNT, {"record_id": record_id, "number": number, "at": at})


async def link(session: AsyncSession, referral_id: str, record_id: str) -> None:
    """Note whose a referral is that this database has yet to take in."""
    await session.execute(_LINK, {"referral_id": referral_id, "record_id": record_id})


async def cover(session: AsyncSession, referral_id: str, faults: Mapping[str, RefusalCode]) -> None:
    """Note what is wrong with which section of a referral, if this database has yet to take it in."""
    said = {section_id: code.value for section_id, code in faults.items()}
    await session.execute(_COVER, {"referral_id": referral_id, "faults": said})


async def note(session: AsyncSession, at: datetime) -> None:
    """Note that this database was found behind the log."""
    await session.execute(_NOTE, {"at": at})


async def ever(session: AsyncSession) -> bool:
    """Whether this database was ever restored from a backup."""
    return bool((await session.execute(_EVER)).scalar_one())


async def referrals(session: AsyncSession) -> dict[str, RestoredReferral]:
    """Every referral of which the log has told, by id; those too that have been taken in again since."""
    return {
        row.referral_id: RestoredReferral(
            row.record_id,
            None if row.faults is None else {each: RefusalCode(code) for each, code in row.faults.items()},
        )
        for row in await session.execute(_REFERRALS)
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """The last number that a person has taken, and the one with which they were erased, if they were."""

    number: int
    erased: int | None


async def standings(work: Work, record_ids: Collection[str]) -> dict[str, Standing]:
    """Where these records stand."""
    rows = await work.fetch(_NUMBERS, {"record_ids": sorted(record_ids)})
    return {record_id: Standing(number, erased) for record_id, number, erased in rows}


async def take_again(work: Work, again: Sequence[tuple[Referral, int]], numbers: Mapping[str, int]) -> None:
    """Write referrals with their versions, and let their handles be used.

    Raises `Conflict` where a person has taken another number than the one in `numbers`.
    """
    referrals = [referral for referral, _ in again]
    await work.fetch(
        _TAKE_AGAIN,
        {
            "held_ids": sorted(numbers),
            "numbers": [numbers[each] for each in sorted(numbers)],
            "referral_ids": [referral.referral_id for referral in referrals],
            "record_ids": [referral.record_id for referral in referrals],
            "handle_ids": [referral.handle_id for referral in referrals],
            "senders": [referral.sender for referral in referrals],
            "addressees": [referral.addressee for referral in referrals],
            "purposes": [referral.purpose.value for referral in referrals],
            "states": [referral.state.value for referral in referrals],
            "versions": [version for _, version in again],
            "capsules": [referral.capsule for referral in referrals],
            "erased": [referral.erased for referral in referrals],
        },
    )
    ((taken,),) = await work.fetch(_TAKEN, {"referral_ids": [referral.referral_id for referral in referrals]})
    if taken != len(referrals):
        raise Conflict
    placed = [
        (referral.referral_id, position, section)
        for referral in referrals
        for position, section in enumerate(referral.sections)
    ]
    await work.fetch(
        _SECTIONS_AGAIN,
        {
            "referral_ids": [referral_id for referral_id, _, _ in placed],
            "section_ids": [section.section_id for _, _, section in placed],
            "positions": [position for _, position, _ in placed],
            "categories": [section.category.value for _, _, section in placed],
            "digests": [section.digest for _, _, section in placed],
            "faults": [section.invalid.value if section.invalid else None for _, _, section in placed],
        },
    )
    using = [referral for referral in referrals if referral.record_id is not None]
    await work.fetch(
        _HANDLES_AGAIN,
        {
            "at": work.now,
            "handle_ids": [referral.handle_id for referral in using],
            "senders": [referral.sender for referral in using],
            "referral_ids": [referral.referral_id for referral in using],
        },
    )


async def remember_again(
    work: Work, section_by_hash: Mapping[str, str], record_by_reference: Mapping[Reference, str]
) -> None:
    """Remember content keys, and whom agencies mean by their references; never a person who is erased."""
    hashes = {"hashes": list(section_by_hash), "section_ids": list(section_by_hash.values())}
    await work.fetch(_KEYS_AGAIN, hashes)
    await work.fetch(
        _REFER_AGAIN,
        {
            "agency_ids": [reference.agency_id for reference in record_by_reference],
            "hashes": [reference.reference_hash for reference in record_by_reference],
            "record_ids": list(record_by_reference.values()),
        },
    )


async def cover_again(work: Work, record_ids: Collection[str]) -> None:
    """Have it said what is covered of these persons' referrals."""
    await work.fetch(_DUE_AGAIN, {"record_ids": sorted(record_ids), "at": work.now})
