"""Erasures as a ward office says them, and what consent has said as it is read back."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from services.eventing.records import Record
from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.consent_bench import WARD, Sent
from tsunagu_contracts.codes import Language, StatementMethod
from tsunagu_contracts.manifests import ErasePerson, ErasureAsked
from tsunagu_contracts.notices import published


def erasure(sent: Sent, *, by: SendingAgency = WARD, **changes: object) -> ErasePerson:
    """The manifest with which a ward office's supervisor erases the person of a referral."""
    asked = ErasureAsked(
        erasure_id=IDS.new(),
        referral_id=sent.id,
        how=StatementMethod.WRITTEN,
        notice=published(Language.JA).shown,
        stated_at=NOW,
    )
    return ErasePerson(
        id=IDS.new(),
        source=f"agency/{by.id}",
        time=NOW,
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=asked.model_copy(update=changes),
    )


@dataclass
class OutboxLog:
    """What consent had said, as Kafka keeps it: the very bytes, on one partition a topic, some at a time."""

    said: Sequence[tuple[str, str, bytes]]
    breaks_after: int | None = None
    _read: int = field(default=0, init=False)

    async def tail(self, topic: str, count: int) -> list[Record]:
        """The last records of the topic."""
        return self._records(topic)[-count:]

    async def read(self, topic: str) -> AsyncIterator[list[Record]]:
        """Everything, three records at a time; ConnectionError once so many have been read, if that was asked."""
        records = self._records(topic)
        for start in range(0, len(records), 3):
            if self.breaks_after is not None and self._read >= self.breaks_after:
                raise ConnectionError
            yield records[start : start + 3]
            self._read += 3

    def _records(self, topic: str) -> list[Record]:
        of_topic = [(key, value) for each, key, value in self.said if each == topic]
        return [Record(topic, 0, offset, key, value, (), 0) for offset, (key, value) in enumerate(of_topic)]
