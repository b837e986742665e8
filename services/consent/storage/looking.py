"""What deciding over one referral rests on: read in one statement, so that all of it is true of one moment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from services import membership
from services.consent.domain.coverage import Referral
from services.consent.domain.persons import Group
from services.consent.domain.statements import Statement as Said
from services.consent.domain.word import Word
from services.consent.storage import persons, referrals, statements, words
from services.eventing.outbox import NO_HEAD, Head
from services.eventing.statements import Statement
from services.eventing.work import Work
from services.membership import Appointment
from tsunagu_contracts.keys import PublicKey

_READ = Statement(f"""
    WITH asked AS (SELECT * FROM referrals WHERE referral_id = CAST(:referral_id AS text)), joined AS (
        SELECT record_id, number, latest_at, group_id FROM persons
        WHERE group_id = (SELECT group_id FROM persons WHERE record_id = (SELECT record_id FROM asked))
    )
    SELECT
        ARRAY(SELECT ROW({", ".join(referrals.COLUMNS)}) FROM asked),
        ARRAY(
            SELECT ROW({", ".join(referrals.SECTION_COLUMNS)}) FROM sections
            WHERE referral_id = CAST(:referral_id AS text) ORDER BY position
        ),
        ARRAY(SELECT ROW(record_id, number, latest_at, group_id) FROM joined),
        (
            SELECT ROW(version, digest) FROM streams
            WHERE aggregate = 'record:' || (SELECT record_id FROM asked)
        ),
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
        ),
        (SELECT CAST(encryption_jwk AS text) FROM member_agencies WHERE agency_id = (SELECT addressee FROM asked)),
        ARRAY(
            SELECT ROW({", ".join(membership.APPOINTMENT_COLUMNS)}) FROM member_appointments
            WHERE coordinator_id = CAST(:coordinator_id AS text) OR appointment_id = CAST(:appointment_id AS text)
            ORDER BY appointment_id
        )
""")  # noqa: S608 - names of our own columns


@dataclass(frozen=True, slots=True)
class Seen:
    """What was known at one moment.

    `words` are what was said under each record of the person's; `head` is where the stream of the referral's own record
    stands. `appointments` are all that the coordinator has ever held, and the one that was named, whosever it is;
    `recipient_key` is the addressee's.
    """

    referral: Referral | None
    group: Group | None
    head: Head
    words: Mapping[str, Word]
    recipient_key: PublicKey | None
    appointments: tuple[Appointment, ...]


async def look(work: Work, referral_id: str, *, coordinator_id: str | None, appointment_id: str | None = None) -> Seen:
    """Read what deciding over a referral rests on; nothing is locked."""
    parameters = {"referral_id": referral_id, "coordinator_id": coordinator_id, "appointment_id": appointment_id}
    ((found, sections, joined, head, spoken, supports, disasters, key, held),) = await work.fetch(_READ, parameters)
    referral = referrals.referral_of(found[0], map(referrals.section_of, sections)) if found else None
    groups = persons.groups(joined)
    nothing: dict[str, list[Said]] = {record_id: [] for record_id in groups}
    return Seen(
        referral,
        groups[referral.record_id] if referral and referral.record_id else None,
        NO_HEAD if head is None else Head(*head),
        words.words(nothing | statements.by_record(spoken), supports, disasters),
        membership.key_of(json.loads(key)) if key else None,
        tuple(membership.appointment_of(each) for each in held),
    )
