"""Message ids: claimed once per agency, and answered the same way ever after."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


class MessageKey(NamedTuple):
    """The agency that a message came from, and the id that it gave the message."""

    agency_id: str
    message_id: str


class Earlier(NamedTuple):
    """An earlier message with the same id: the digest of its bytes and the event that answered it."""

    digest: str
    answer: str


# Waits for a transaction that is just claiming the same id, and then finds that it has.
_CLAIM = sa.text("""
    INSERT INTO messages (agency_id, message_id, digest, received_at)
    SELECT agency_id, message_id, digest, :received_at FROM unnest(
        CAST(:agency_ids AS text[]), CAST(:message_ids AS text[]), CAST(:digests AS text[])
    ) AS claimed (agency_id, message_id, digest)
    ON CONFLICT DO NOTHING
    RETURNING agency_id, message_id
""")
_EARLIER = sa.text("""
    SELECT agency_id, message_id, digest, answer
    FROM messages JOIN unnest(CAST(:agency_ids AS text[]), CAST(:message_ids AS text[]))
        AS wanted (agency_id, message_id) USING (agency_id, message_id)
""")
_ANSWER = sa.text("""
    UPDATE messages SET answer = answered.answer
    FROM unnest(CAST(:agency_ids AS text[]), CAST(:message_ids AS text[]), CAST(:answers AS text[]))
        AS answered (agency_id, message_id, answer)
    WHERE messages.agency_id = answered.agency_id AND messages.message_id = answered.message_id
""")


async def claim(session: AsyncSession, digests: Mapping[MessageKey, str], now: datetime) -> set[MessageKey]:
    """Take these ids for the messages with these digests; returns those that were still free."""
    # Sorted, so that two transactions that claim the same ids wait for each other in one direction only.
    keys = sorted(digests)
    if not keys:
        return set()
    claimed = await session.execute(
        _CLAIM,
        {
            "agency_ids": [key.agency_id for key in keys],
            "message_ids": [key.message_id for key in keys],
            "digests": [digests[key] for key in keys],
            "received_at": now,
        },
    )
    return {MessageKey(row.agency_id, row.message_id) for row in claimed}


async def earlier(session: AsyncSession, keys: Collection[MessageKey]) -> dict[MessageKey, Earlier]:
    """Return what became of the messages that hold these ids."""
    if not keys:
        return {}
    rows = await session.execute(
        _EARLIER,
        {"agency_ids": [key.agency_id for key in keys], "message_ids": [key.message_id for key in keys]},
    )
    return {MessageKey(row.agency_id, row.message_id): Earlier(row.digest, row.answer) for row in rows}


async def answer(session: AsyncSession, answers: Mapping[MessageKey, str]) -> None:
    """Keep the events that answered messages claimed in this transaction."""
    if answers:
        await session.execute(
            _ANSWER,
            {
                "agency_ids": [key.agency_id for key in answers],
                "message_ids": [key.message_id for key in answers],
                "answers": list(answers.values()),
            },
        )
