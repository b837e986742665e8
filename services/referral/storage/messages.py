"""Message ids: used once per agency, and answered the same way ever after."""

from collections.abc import Mapping
from typing import NamedTuple

from services.eventing.statements import Statement
from services.eventing.work import Work


class MessageKey(NamedTuple):
    """The agency that a message came from, and the id that it gave the message."""

    agency_id: str
    message_id: str


class Earlier(NamedTuple):
    """An earlier message with the same id: the digest of its bytes, and the event that answered it.

    The event stands there without the manifest that it embeds: whoever sends the message again sends that too.
    """

    digest: str
    answer: str


_KEEP = Statement("""
    INSERT INTO messages (agency_id, message_id, digest, received_at, answer)
    SELECT agency_id, message_id, digest, CAST(:received_at AS timestamptz), answer FROM unnest(
        CAST(:agency_ids AS text[]), CAST(:message_ids AS text[]), CAST(:digests AS text[]), CAST(:answers AS text[])
    ) AS answered (agency_id, message_id, digest, answer)
""")


def keep(work: Work, answers: Mapping[MessageKey, Earlier]) -> None:
    """Keep how these messages were answered; nothing is kept where somebody else has just used one of their ids."""
    if answers:
        # Sorted, so that two batches that use the same ids wait for each other in one direction only.
        keys = sorted(answers)
        work.later(
            _KEEP,
            {
                "agency_ids": [key.agency_id for key in keys],
                "message_ids": [key.message_id for key in keys],
                "digests": [answers[key].digest for key in keys],
                "answers": [answers[key].answer for key in keys],
                "received_at": work.now,
            },
        )
