"""What is taken from Kafka fits into a database, whatever its bytes are."""

import pytest
from aiokafka import ConsumerRecord

from services.eventing.records import Item, Record, Undecodable, decode
from tests.builders.said import Saying
from tsunagu_contracts.envelope import Event, encode_event
from tsunagu_contracts.events.notify import NotificationAcknowledged


def taken(key: bytes | None, header: bytes | None) -> Record:
    """The record made of a message with this key and this `traceparent`."""
    headers = [("traceparent", header)]
    return Record.of(ConsumerRecord("t", 0, 0, 0, 0, key, b"", None, 0, 0, headers))  # type: ignore[arg-type]  # null


@pytest.mark.parametrize("raw", [None, b"\xff\xfe", b"\x00", b"a\x00b"])
def test_a_key_and_a_trace_that_are_no_text_count_as_none(raw: bytes | None) -> None:
    """A zero byte is valid UTF-8 and no text of PostgreSQL: whoever sent it would stop the consumer for good."""
    record = taken(raw, raw)
    assert (record.key, record.raw_key, record.traceparent) == (None, raw, None)


def test_a_key_and_a_trace_that_are_text_are_kept() -> None:
    """Whatever text it is."""
    record = taken("鍵".encode(), b"00-xyz")
    assert (record.key, record.traceparent) == ("鍵", "00-xyz")


@pytest.mark.parametrize(
    ("topic", "changes", "where"),
    [
        ("directory.events", {}, "type"),
        ("notify.events", {"aggregate": "referral:n-1"}, "aggregate"),
        ("notify.events", {"source": "tsunagu/audit"}, "source"),
        ("notify.events", {}, None),
    ],
)
def test_only_what_the_catalogue_has_on_a_topic_is_an_event_there(
    topic: str, changes: dict[str, object], where: str | None
) -> None:
    """A sound event where it does not belong would use up a version, and the true one would be passed over."""
    said = Saying().say("notification:n-1", NotificationAcknowledged(notification_id="n-1", coordinator_id="c-0001"))
    assert said.event is not None
    event = Event.model_validate(dict(said.event) | changes)
    read = decode(Record(topic, 0, 0, "n-1", encode_event(event), (), 0))
    assert (read.detail if isinstance(read, Undecodable) else None) == where
    assert isinstance(read, Item) is (where is None)
