"""The five processes of a reference: what each reads, the one SQL statement it runs for a batch, what it says.

A statement takes columns of the batch as `$1`, `$2` … and returns, for every message that takes effect,
`(key, value)`: the key of what is to be said, and its bytes where only the database has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import ConsumerRecord

SENDERS = 4
"""How many agencies publish, each on a topic of its own."""

PARTITIONS = 6
PERSONS = 20_000
"""How many persons have a standing consent; their references are `person-0` and so on."""

Record = ConsumerRecord[bytes, bytes]
Columns = tuple[Sequence[object], ...]
Said = tuple[Columns, dict[str, bytes]]
"""The columns of a statement, and what is to be said of each key that takes effect."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One process: topics are named without their prefix; `linger` is in seconds, None adapts it to the load."""

    name: str
    service: str
    reads: tuple[str, ...]
    says: str | None
    tables: str
    effect: str
    read: Callable[[Sequence[Record]], Said]
    linger: float | None = None


def outbound(sender: int) -> str:
    """The topic of one sending agency."""
    return f"outbound.{sender}"


EVENTS, COVERAGE, NOTIFICATIONS = "referral.events", "coverage", "notify.events"
TOPICS = {
    **{outbound(each): 1 for each in range(SENDERS)},
    **dict.fromkeys((EVENTS, COVERAGE, NOTIFICATIONS), PARTITIONS),
}


def _read(record: Record) -> dict[str, str]:
    """A message's members; those that are not text are only passed on."""
    message: dict[str, str] = json.loads(record.value or b"null")
    return message


def _take(records: Sequence[Record]) -> Said:
    ids, addressees, manifests, bodies, events = [], [], [], [], {}
    for record in records:
        message = _read(record)
        referral_id = message["referral_id"]
        ids.append(referral_id)
        addressees.append(message["addressee"])
        manifests.append(message["manifest"])
        bodies.append(json.dumps(message["bodies"]))
        event = {name: message[name] for name in ("referral_id", "sender", "addressee", "person", "manifest")}
        events[referral_id] = json.dumps({"type": "referral.submitted"} | event).encode()
    return (ids, addressees, manifests, bodies), events


def _decide(records: Sequence[Record]) -> Said:
    ids, persons, events = [], [], {}
    for record in records:
        event = _read(record)
        if event["type"] != "referral.submitted":
            continue
        referral_id = event["referral_id"]
        ids.append(referral_id)
        persons.append(event["person"])
        decided = {"type": "coverage.decided", "referral_id": referral_id, "addressee": event["addressee"]}
        sections = [{"section_id": f"{referral_id}-{each}", "state": "covered"} for each in range(4)]
        events[referral_id] = json.dumps(decided | {"sections": sections}).encode()
    return (ids, persons), events


def _deliver(records: Sequence[Record]) -> Said:
    return ([_read(record)["referral_id"] for record in records],), {}


def _tell(records: Sequence[Record]) -> Said:
    ids, agencies, notices = [], [], {}
    for record in records:
        event = _read(record)
        if event["type"] != "referral.delivered":
            continue
        referral_id = event["referral_id"]
        ids.append(referral_id)
        agencies.append(event["addressee"])
        notice = {"type": "notification.created", "referral_id": referral_id, "agency": event["addressee"]}
        notices[referral_id] = json.dumps(notice | {"message": "referral_waits", "version": 2}).encode()
    return (ids, agencies), notices


def _keep(records: Sequence[Record]) -> Said:
    for record in records:
        _read(record)
    columns = (
        [record.topic for record in records],
        [record.partition for record in records],
        [record.offset for record in records],
        [record.key for record in records],
        [record.value for record in records],
    )
    return columns, {}


HOPS = (
    Hop(
        "taking",
        "referral",
        tuple(outbound(each) for each in range(SENDERS)),
        EVENTS,
        """
        CREATE TABLE IF NOT EXISTS referrals (
            referral_id text PRIMARY KEY, state text NOT NULL, addressee text NOT NULL,
            manifest text STORAGE EXTERNAL NOT NULL, bodies text STORAGE EXTERNAL NOT NULL
        )
        """,
        """
        INSERT INTO referrals (referral_id, state, addressee, manifest, bodies)
        SELECT id, 'submitted', addressee, manifest, bodies
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS said (id, addressee, manifest, bodies)
        ON CONFLICT DO NOTHING RETURNING referral_id AS key, NULL::bytea AS value
        """,
        _take,
    ),
    Hop(
        "deciding",
        "consent",
        (EVENTS,),
        COVERAGE,
        f"""
        CREATE TABLE IF NOT EXISTS consents (person text PRIMARY KEY);
        INSERT INTO consents SELECT 'person-' || n FROM generate_series(0, {PERSONS - 1}) AS n ON CONFLICT DO NOTHING;
        CREATE TABLE IF NOT EXISTS coverage (referral_id text PRIMARY KEY, person text NOT NULL)
        """,  # noqa: S608 - a number of our own
        """
        INSERT INTO coverage (referral_id, person)
        SELECT id, person FROM unnest($1::text[], $2::text[]) AS said (id, person) JOIN consents USING (person)
        ON CONFLICT DO NOTHING RETURNING referral_id AS key, NULL::bytea AS value
        """,
        _decide,
    ),
    Hop(
        "delivering",
        "referral",
        (COVERAGE,),
        EVENTS,
        "",
        """
        UPDATE referrals SET state = 'delivered' FROM unnest($1::text[]) AS covered (id)
        WHERE referral_id = covered.id AND state = 'submitted'
        RETURNING referral_id AS key, convert_to(
            '{"type": "referral.delivered", "referral_id": "' || referral_id || '", "addressee": "' || addressee
            || '", "manifest": "' || manifest || '"}', 'UTF8') AS value
        """,
        _deliver,
    ),
    Hop(
        "telling",
        "notify",
        (EVENTS,),
        NOTIFICATIONS,
        "CREATE TABLE IF NOT EXISTS inbox (referral_id text PRIMARY KEY, agency text NOT NULL)",
        """
        INSERT INTO inbox (referral_id, agency) SELECT * FROM unnest($1::text[], $2::text[])
        ON CONFLICT DO NOTHING RETURNING referral_id AS key, NULL::bytea AS value
        """,
        _tell,
    ),
    Hop(
        "keeping",
        "audit",
        (EVENTS, COVERAGE, NOTIFICATIONS),
        None,
        """
        CREATE TABLE IF NOT EXISTS log (
            topic text, "partition" int, "offset" bigint, key bytea, value bytea STORAGE EXTERNAL NOT NULL,
            PRIMARY KEY (topic, "partition", "offset")
        )
        """,
        """
        INSERT INTO log SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::bytea[])
        ON CONFLICT DO NOTHING RETURNING NULL::text AS key, NULL::bytea AS value
        """,
        _keep,
        linger=0.15,
    ),
)
