"""What taking in new referrals rests on: read in one statement, so that all of it is true of one moment."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.consent.domain.persons import Group, Person
from services.consent.domain.word import Word
from services.consent.storage import persons, statements, words
from services.consent.storage.handles import Issued
from services.consent.storage.persons import Reference
from services.eventing.outbox import NO_HEAD, Head
from services.eventing.statements import Statement
from services.eventing.work import Work

_MEANT = """
    SELECT agency_id, reference_hash, record_id FROM person_references
    WHERE (agency_id, reference_hash) IN (
        SELECT * FROM unnest(CAST(:agency_ids AS text[]), CAST(:reference_hashes AS text[]))
    )
"""
_READ = Statement(f"""
    WITH meant AS ({_MEANT}), joined AS (
        SELECT record_id, number, latest_at, group_id FROM persons
        WHERE group_id = ANY(ARRAY(SELECT group_id FROM persons WHERE record_id IN (SELECT record_id FROM meant)))
    )
    SELECT
        ARRAY(
            SELECT ROW(handle_id, agency_id, referral_id) FROM handles
            WHERE handle_id = ANY(CAST(:handle_ids AS text[]))
        ),
        ARRAY(
            SELECT section_id FROM sections
            WHERE section_id = ANY(CAST(:section_ids AS text[])) AND invalid IS NULL
        ),
        ARRAY(SELECT key_hash FROM content_keys WHERE key_hash = ANY(CAST(:key_hashes AS text[]))),
        ARRAY(SELECT referral_id FROM referrals WHERE referral_id = ANY(CAST(:referral_ids AS text[]))),
        ARRAY(
            SELECT ROW(meant.agency_id, reference_hash, record_id, streams.version, streams.digest)
            FROM meant LEFT JOIN streams ON streams.aggregate = 'record:' || record_id
        ),
        ARRAY(SELECT ROW(record_id, number, latest_at, group_id) FROM joined),
        ARRAY(
            SELECT ROW(record_id, {", ".join(statements.SPOKEN)}) FROM statements
            WHERE record_id = ANY(ARRAY(SELECT record_id FROM joined)) ORDER BY record_id, number
        ),
        ARRAY(
            SELECT ROW(s.*) FROM ({words.SUPPORTS}) AS s WHERE record_id = ANY(ARRAY(SELECT record_id FROM joined))
        ),
        ARRAY(
            SELECT ROW(d.*) FROM ({words.DISASTERS}) AS d WHERE area IN (
                SELECT disaster_in FROM statements
                WHERE record_id = ANY(ARRAY(SELECT record_id FROM joined)) AND disaster_in IS NOT NULL
            )
        )
""")  # noqa: S608 - names of our own columns
# Not FOR UPDATE: a statement that names the referral must not have to wait for this.
_LOCK_REFERRALS = Statement("""
    SELECT 1 FROM referrals WHERE referral_id = ANY(CAST(:referral_ids AS text[]))
    ORDER BY referral_id FOR NO KEY UPDATE
""")
_LOCK_PERSONS = Statement(f"""
    SELECT 1 FROM persons WHERE group_id = ANY(ARRAY(
        SELECT group_id FROM persons WHERE record_id IN (SELECT record_id FROM ({_MEANT}) AS meant)
    ))
    ORDER BY record_id FOR NO KEY UPDATE
""")  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Asked:
    """What a batch of new referrals names; `referral_ids` are others, of which the batch tells where they stand."""

    handle_ids: Collection[str]
    section_ids: Collection[str]
    key_hashes: Collection[str]
    references: Collection[Reference]
    referral_ids: Collection[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What of it was known at one moment.

    `sections` are valid in some referral already. `groups`, `heads` and `words` are by record id: whose it is, where
    its stream stands if a reference means it, and what has been said under it if anything was.
    """

    handles: Mapping[str, Issued]
    sections: AbstractSet[str]
    key_hashes: AbstractSet[str]
    referral_ids: AbstractSet[str]
    persons: Mapping[Reference, Person]
    groups: Mapping[str, Group]
    heads: Mapping[str, Head]
    words: Mapping[str, Word]


async def look(work: Work, asked: Asked) -> Known:
    """Read what is known of what was asked.

    In a transaction the rows of referrals and persons are locked before, in the order in which a release takes
    them. Without one nothing keeps the answer true: whoever writes on it states what must not have changed.
    """
    parameters = {
        "agency_ids": [reference.agency_id for reference in asked.references],
        "reference_hashes": [reference.reference_hash for reference in asked.references],
        "handle_ids": list(asked.handle_ids),
        "section_ids": list(asked.section_ids),
        "key_hashes": list(asked.key_hashes),
        "referral_ids": list(asked.referral_ids),
    }
    if work.locks:
        # Each a statement of its own: what a statement reads is as it was when it began, before it waited.
        await work.fetch(_LOCK_REFERRALS, parameters)
        await work.fetch(_LOCK_PERSONS, parameters)
    ((handles, sections, key_hashes, referral_ids, meant, joined, spoken, supports, disasters),) = await work.fetch(
        _READ, parameters
    )
    groups = persons.groups(joined)
    return Known(
        handles={handle_id: Issued(handle_id, agency_id, used_by) for handle_id, agency_id, used_by in handles},
        sections=set(sections),
        key_hashes=set(key_hashes),
        referral_ids=set(referral_ids),
        persons={
            Reference(agency_id, reference_hash): groups[record_id].records[record_id]
            for agency_id, reference_hash, record_id, _, _ in meant
        },
        groups=groups,
        heads={
            record_id: NO_HEAD if version is None else Head(version, digest)
            for _, _, record_id, version, digest in meant
        },
        words=words.words(statements.by_record(spoken), supports, disasters),
    )
