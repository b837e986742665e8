"""What a consumer takes from Kafka, before and after it was understood."""

from dataclasses import dataclass

from aiokafka import ConsumerRecord

from services.eventing.tracing import TRACEPARENT
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.topics import TOPIC_NAMED, agency_of_outbound


@dataclass(frozen=True, slots=True)
class Record:
    """One message exactly as it stands in Kafka; `timestamp_ms` is Unix time in milliseconds.

    `key` and `value` are what handlers read; `raw_key` and `tombstone` keep what those two leave out, for
    whoever stores exact bytes: a key that is no text, and a value that is null rather than empty.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int
    raw_key: bytes | None = None
    tombstone: bool = False

    @classmethod
    def of(cls, message: "ConsumerRecord[bytes | None, bytes | None]") -> "Record":
        """Take over a message of the Kafka client; a key that is no text counts as none."""
        return cls(
            message.topic,
            message.partition,
            message.offset,
            _text(message.key),
            message.value or b"",
            # A header may be null, whatever the client's annotations say.
            tuple((n, None if v is None else bytes(v)) for n, v in message.headers),  # type: ignore[redundant-expr]
            message.timestamp,
            raw_key=message.key,
            tombstone=message.value is None,
        )

    @property
    def traceparent(self) -> str | None:
        """The trace context that the message carries, if it is text."""
        for name, value in self.headers:
            if name == TRACEPARENT and value is not None:
                return _text(value)
        return None

    @property
    def agency_id(self) -> str | None:
        """The agency that wrote this message; None on topics of services."""
        return agency_of_outbound(self.topic)


@dataclass(frozen=True, slots=True)
class Item:
    """One message to be handled: the record, its event (None on agencies' topics) and its trace context."""

    record: Record
    event: Event | None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A record of a service's topic that is no event, and why."""

    record: Record
    code: RefusalCode
    detail: str


def decode(record: Record) -> Item | Undecodable:
    """Understand a record; messages of agencies are left as they are, for `referral` to judge and answer."""
    if record.agency_id is not None:
        return Item(record, None, record.traceparent)
    try:
        event = decode_event(record.value)
    except Refusal as refusal:
        return Undecodable(record, refusal.code, refusal.detail.get("where", ""))
    where = "key" if record.key != event.key else _misplaced(record.topic, event)
    if where is not None:
        return Undecodable(record, RefusalCode.INVALID_CONTENT, where)
    return Item(record, event, record.traceparent)


def _misplaced(name: str, event: Event) -> str | None:
    """What of an event the catalogue does not have on this topic: else it would use up versions of another's."""
    topic = TOPIC_NAMED.get(name)
    if topic is None:
        return None
    if type(event.data) not in topic.events:
        return "type"
    if event.aggregate.partition(":")[0] not in topic.aggregates:
        return "aggregate"
    return None if event.source == f"tsunagu/{topic.producer}" else "source"


def _text(raw: bytes | None) -> str | None:
    """UTF-8 as text; None for anything else, and for a zero byte, which PostgreSQL's texts cannot hold."""
    if raw is None or b"\0" in raw:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def digest_of(record: Record) -> str:
    """The digest of the exact bytes, as the aggregate's next event names it in `previous`."""
    return digest(record.value)
