"""Kafka's log segments as they are on disk: the batches in them that are compressed, unpacked.

Format: https://kafka.apache.org/documentation/#recordbatch (magic 2). Uncompressed batches need no unpacking;
they are found in the file's bytes.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_BEFORE_LENGTH = struct.Struct(">qi")
_HEADER_BYTES = 61
_ATTRIBUTES = struct.Struct(">h")
_ATTRIBUTES_AT = 21
_CODECS = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}


class CannotUnpackError(Exception):
    """A batch is compressed in a way that this program cannot read; it must not be passed over in silence."""


def unpacked_batches(segment: Path) -> Iterator[tuple[int, bytes]]:
    """The records of each compressed batch of a segment, with the batch's first offset.

    Raises `CannotUnpackError` for another compression than gzip: nothing of ours compresses, and agencies'
    clients send as they are.
    """
    content = segment.read_bytes()
    at = 0
    while at + _HEADER_BYTES <= len(content):
        offset, length = _BEFORE_LENGTH.unpack_from(content, at)
        end = at + _BEFORE_LENGTH.size + length
        if length <= 0 or end > len(content):
            return  # the batch is being written, or the rest is room kept free
        codec = _CODECS.get(_ATTRIBUTES.unpack_from(content, at + _ATTRIBUTES_AT)[0] & 0b111, "unknown")
        if codec == "gzip":
            yield offset, zlib.decompress(content[at + _HEADER_BYTES : end], wbits=31)
        elif codec != "none":
            raise CannotUnpackError(f"{segment}: batch at offset {offset} is compressed with {codec}")
        at = end
