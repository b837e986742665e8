"""Reading batches off the wire so that one record cannot hold back those behind it.

Kafka takes header names of any bytes; its client for asyncio raises for one that is not UTF-8, and would
then be given the same batch for ever. Whoever may write to a topic could so stop all who read it.
"""

import struct
from collections.abc import Iterator
from typing import Protocol, SupportsIndex, overload

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record._protocols import DefaultRecordBatchProtocol
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

# https://kafka.apache.org/documentation/#recordbatch: base offset, then the length of what follows.
_BEFORE_LENGTH = struct.Struct(">qi")


def forgive_header_names() -> None:
    """Let every consumer of this process read headers whatever bytes their names are made of."""
    fetcher.MemoryRecords = ForgivingRecords  # type: ignore[attr-defined,assignment]  # the client has no other way in


class WireRecord(Protocol):
    """A record as the client reads it; of what else it has only the headers matter here."""

    @property
    def headers(self) -> list[tuple[str, bytes | None]]:
        """Names and values; bytes of a name that are not UTF-8 stand as surrogates (PEP 383)."""
        ...


class ForgivingRecords:
    """The batches of one answer of Kafka, as the client asks for them."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self._data = data
        self._at = 0

    def size_in_bytes(self) -> int:
        """How many bytes Kafka has sent."""
        return self._records.size_in_bytes()

    def has_next(self) -> bool:
        """Whether there is a whole batch more."""
        return self._records.has_next()

    def next_batch(self) -> object:
        """The next batch; one of an old format as it is."""
        batch = self._records.next_batch()
        begin = self._at
        self._at += _BEFORE_LENGTH.size + _BEFORE_LENGTH.unpack_from(self._data, begin)[1]
        return ForgivingBatch(batch, self._data[begin : self._at]) if isinstance(batch, DefaultRecordBatch) else batch


class ForgivingBatch:
    """One batch: read as the client does, and again with more patience if that fails for a name."""

    def __init__(self, batch: DefaultRecordBatchProtocol, raw: bytes) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> object:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[WireRecord]:
        try:
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException):
            return iter(_read_patiently(self._raw))


def _read_patiently(raw: bytes) -> list[WireRecord]:
    batch = _DefaultRecordBatchPy(raw)
    batch._maybe_uncompress()
    batch._buffer = _Buffer(batch._buffer)
    return list(batch)


class _Buffer(bytearray):
    """The records' bytes; the only parts of them that the client decodes are header names."""

    @overload
    def __getitem__(self, where: SupportsIndex) -> int: ...

    @overload
    def __getitem__(self, where: slice) -> "_Name": ...

    def __getitem__(self, where: SupportsIndex | slice) -> "int | _Name":
        return _Name(super().__getitem__(where)) if isinstance(where, slice) else super().__getitem__(where)


class _Name(bytearray):
    """Bytes that always become text, and the same bytes again."""

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        """The text, with a surrogate for every byte that is not UTF-8."""
        return super().decode(encoding, errors)
