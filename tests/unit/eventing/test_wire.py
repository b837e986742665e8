"""Batches off the wire: a record that the client cannot read does not hold back its neighbours."""

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from services.eventing.wire import ForgivingBatch, ForgivingRecords
from tests.builders.wire import BytesName

Header = tuple[str, bytes | None]


def batch_of(*headers: list[Header]) -> bytes:
    """One batch with a record for each list of headers."""
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 16_384)
    for offset, each in enumerate(headers):
        builder.append(offset, timestamp=1, key=b"k", value=b"v", headers=each)
    return bytes(builder.build())


def read(data: bytes) -> list[list[list[Header]]]:
    """The headers of every record of every batch."""
    records = ForgivingRecords(data)
    batches = []
    while records.has_next():
        batch = records.next_batch()
        assert isinstance(batch, ForgivingBatch)
        batches.append([list(record.headers) for record in batch])
    return batches


def test_a_header_name_that_is_no_utf8_is_read_and_so_are_its_neighbours() -> None:
    """Its bytes stand as surrogates, from which they can be had back; other batches are as they were."""
    odd = BytesName(b"\xff\xfename")
    plain: list[Header] = [("名前", b"1"), ("null", None)]
    [[first, second, third], [fourth]] = read(batch_of([], [(odd, b"1"), *plain], plain) + batch_of(plain))
    assert (first, third, fourth) == ([], plain, plain)
    [(name, value), *rest] = second
    assert (name.encode(errors="surrogateescape"), value, rest) == (b"\xff\xfename", b"1", plain)


def test_what_the_client_asks_of_a_batch_is_answered_by_its_own_reading() -> None:
    """Checksum and offsets are those of the batch."""
    data = batch_of([], [])
    records = ForgivingRecords(data)
    assert records.size_in_bytes() == len(data)
    batch = records.next_batch()
    assert isinstance(batch, ForgivingBatch)
    assert (batch.validate_crc(), batch.base_offset, batch.next_offset) == (True, 0, 2)  # type: ignore[operator]


def test_a_batch_that_is_broken_stays_broken() -> None:
    """Patience is for names only."""
    data = bytearray(batch_of([]))
    data[-1] = 99  # so many headers, which are not there
    with pytest.raises(CorruptRecordException):
        read(bytes(data))
