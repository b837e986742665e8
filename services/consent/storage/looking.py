"""What deciding over one referral rests on: read in one statement, so that all of it is true of one moment."""

import json
from dataclasses import dataclass
from datetime import datetime

from services import membership
from services.consent.domain.coverage import Referral
from services.consent.domain.persons import Person
from services.consent.domain.word import SILENCE, Word
from services.consent.storage import persons, referrals, statements, words
from services.eventing.outbox import NO_HEAD, Head
from services.eventing.statements import Statement
from services.eventing.work import Work
from services.membership import Appointment
from tsunagu_contracts.keys import PublicKey

_READ = Statement(f"""
    WITH asked AS (SELECT * FROM referrals WHERE referral_id = CAST(:referral_id AS text))
    SELECT
        ARRAY(SELECT ROW({", ".join(referrals.COLUMNS)}) FROM asked),
        ARRAY(
            SELECT ROW({", ".join(referrals.SECTION_COLUMNS)}) FROM sections
            WHERE referral_id = CAST(:referral_id AS text) ORDER BY position
        ),
        ARRAY(
            SELECT ROW(record_id, number, latest_at, streams.version, streams.digest)
            FROM persons LEFT JOIN streams ON streams.aggregate = 'record:' || record_id
            WHERE record_id IN (SELECT record_id FROM asked)
        ),
        ARRAY(
            SELECT ROW({", ".join(statements.SPOKEN)}) FROM statements
            WHERE record_id IN (SELECT record_id FROM asked) ORDER BY number
        ),
        ARRAY(SELECT ROW(s.*) FROM ({words.SUPPORTS}) AS s WHERE record_id IN (SELECT record_id FROM asked)),
        ARRAY(
            SELECT ROW(d.*) FROM ({words.DISASTERS}) AS d WHERE area IN (
                SELECT disaster_in FROM statements
                WHERE record_id IN (SELECT record_id FROM asked) AND disaster_in IS NOT NULL
            )
        ),
        ({persons.NUMBER_AT.format(record_id="(SELECT record_id FROM asked)")}),
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

    `appointments` are all that the coordinator has ever held, and the one that was named, whosever it is; `number_then`
    is the person's last number by the moment asked for; `recipient_key` is the addressee's.
    """

    referral: Referral | None
    person: Person | None
    head: Head
    word: Word
    number_then: int
    recipient_key: PublicKey | None
    appointments: tuple[Appointment, ...]


async def look(
    work: Work, referral_id: str, at: datetime, *, coordinator_id: str | None, appointment_id: str | None = None
) -> Seen:
    """Read what deciding over a referral rests on; nothing is locked."""
    parameters = {
        "referral_id": referral_id,
        "at": at,
        "coordinator_id": coordinator_id,
        "appointment_id": appointment_id,
    }
    ((found, sections, person, spoken, supports, disasters, number_then, key, held),) = await work.fetch(
        _READ, parameters
    )
    referral = referrals.referral_of(found[0], map(referrals.section_of, sections)) if found else None
    head, last, word = NO_HEAD, None, SILENCE
    for record_id, number, latest_at, version, digest in person:
        last = Person(record_id, number, latest_at)
        head = NO_HEAD if version is None else Head(version, digest)
        word = words.words({record_id: [statements.statement_of(each) for each in spoken]}, supports, disasters)[
            record_id
        ]
    return Seen(
        referral,
        last,
        head,
        word,
        number_then,
        membership.key_of(json.loads(key)) if key else None,
        tuple(membership.appointment_of(each) for each in held),
    )
