"""Everything that deciding on a batch needs, read with one statement."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from services.eventing.outbox import Head
from services.eventing.statements import Statement
from services.eventing.work import Work
from services.referral.domain.referral import Referral
from services.referral.storage.messages import Earlier, MessageKey
from services.referral.storage.referrals import referral_of

_ASKED = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM referrals WHERE referral_id = ANY(CAST(:asked AS text[])) ORDER BY referral_id {lock}
    )
    SELECT 'message' AS what, agency_id AS one, message_id AS two, digest AS three, answer AS four
    FROM messages JOIN unnest(CAST(:agency_ids AS text[]), CAST(:message_ids AS text[]))
        AS wanted (agency_id, message_id) USING (agency_id, message_id)
    UNION ALL
    SELECT 'id', referral_id, NULL, NULL, NULL FROM referrals WHERE referral_id = ANY(CAST(:referral_ids AS text[]))
    UNION ALL
    SELECT 'handle', handle_id, NULL, NULL, NULL FROM referrals WHERE handle_id = ANY(CAST(:handle_ids AS text[]))
    UNION ALL
    SELECT 'referral', asked.referral_id, CAST(to_json(standing) AS text), streams.digest,
        CASE WHEN delivered_at IS NULL THEN manifest END
    FROM asked LEFT JOIN streams ON streams.aggregate = 'referral:' || asked.referral_id,
    LATERAL (
        SELECT asked.referral_id, asked.version, asked.state, halted_in, sender_coordinator, sender_appointment,
            sender, addressee, routed_by, lead_coordinator, lead_appointment, delivered_at IS NOT NULL AS delivered,
            handle_id, purpose, area, service_family, urgency, language, sections, coverage
    ) AS standing
    UNION ALL
    SELECT 'body', bodies.referral_id, section_id, body, NULL
    FROM bodies JOIN asked ON asked.referral_id = bodies.referral_id AND asked.delivered_at IS NULL
"""
_LOOK = Statement(_ASKED.format(lock=""))
# What is locked is read as it is once the lock is held; the rest stands in the snapshot from before.
_LOCK = Statement(_ASKED.format(lock="FOR UPDATE"))


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of messages and referrals: by message, by id, by id and section.

    `manifests` and `bodies` are of referrals not delivered yet; `heads` is where the streams of referrals stand.
    """

    earlier: dict[MessageKey, Earlier] = field(default_factory=dict)
    taken_ids: set[str] = field(default_factory=set)
    taken_handles: set[str] = field(default_factory=set)
    referrals: dict[str, Referral] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, dict[str, str]] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)


async def find(work: Work, messages: Collection[MessageKey], begun: Mapping[str, str], asked: Collection[str]) -> Found:
    """Find earlier messages with these keys, whether these ids and handles are taken, and referrals by id.

    `begun` has the handles by referral id. In a transaction the referrals asked for are locked, in the order of
    their ids so that no two transactions deadlock.
    """
    found = Found()
    if not (messages or asked):
        return found
    rows = await work.fetch(
        _LOCK if work.locks else _LOOK,
        {
            "asked": sorted(asked),
            "agency_ids": [key.agency_id for key in messages],
            "message_ids": [key.message_id for key in messages],
            "referral_ids": list(begun),
            "handle_ids": list(begun.values()),
        },
    )
    for what, one, two, three, four in rows:
        match what:
            case "message":
                found.earlier[MessageKey(one, two)] = Earlier(three, four)
            case "id":
                found.taken_ids.add(one)
            case "handle":
                found.taken_handles.add(one)
            case "referral":
                referral = referral_of(json.loads(two))
                found.referrals[one] = referral
                found.heads[f"referral:{one}"] = Head(referral.version, three)
                found.bodies.setdefault(one, {})
                if four is not None:
                    found.manifests[one] = four
            case "body":
                found.bodies.setdefault(one, {})[two] = three
    return found
