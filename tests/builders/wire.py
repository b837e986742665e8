"""Records that no well-meant client sends: header names of any bytes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy


class BytesName(str):
    """A header's name that goes onto the wire as these bytes."""

    raw: bytes

    def __new__(cls, raw: bytes) -> "BytesName":
        """Make a name of bytes."""
        name = super().__new__(cls, raw.decode(errors="replace"))
        name.raw = raw
        return name

    def encode(self, _encoding: str = "utf-8", _errors: str = "strict") -> bytes:
        """The bytes."""
        return self.raw


@contextmanager
def careless_producers() -> Iterator[None]:
    """Let aiokafka's producers write header names as they are; its fast builder insists on text."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (message_accumulator, producer):
            patch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
        yield
