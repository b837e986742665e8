"""What is taken from Kafka fits into a database, whatever its bytes are."""

import pytest
from aiokafka import ConsumerRecord

from services.eventing.records import Record


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
