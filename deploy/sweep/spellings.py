"""The ways in which a value can stand in a file or a message without being any less readable."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

SHORTEST_BYTES = 6
"""Below this a value would be found by chance, in base64 above all."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way of writing one value: the value's name (never the value), the way's name, the lower-cased bytes."""

    value: str
    way: str
    pattern: bytes


Value = str | bytes
"""A text, or bytes such as those of a key."""


def spellings(values: Mapping[str, Value]) -> list[Spelling]:
    """Every way of writing each value, given by name; ValueError for a value too short to be told from chance.

    Patterns are lower-cased, to be compared with lower-cased content: hexadecimal digits come in both cases.
    """
    found: dict[tuple[str, bytes], Spelling] = {}
    for name, value in values.items():
        if len(value.encode() if isinstance(value, str) else value) < SHORTEST_BYTES:
            raise ValueError(f"{name} is shorter than {SHORTEST_BYTES} bytes and would be found by chance")
        for way, pattern in _ways_of_text(value) if isinstance(value, str) else _ways_of_bytes(value):
            found.setdefault((name, pattern.lower()), Spelling(name, way, pattern.lower()))
    return list(found.values())


def _ways_of_bytes(value: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw", value
    yield "hexadecimal", value.hex().encode()
    yield from (("base64", pattern) for pattern in _base64(value))


def _ways_of_text(value: str) -> Iterator[tuple[str, bytes]]:
    plain = value.encode()
    escaped = _escaped(value)
    yield "utf-8", plain
    yield "json", escaped.encode()
    yield "json", "".join(f"\\u{unit:04x}" for unit in _utf16_units(value)).encode()
    yield "json in json", _escaped(escaped).encode()
    yield "utf-16-le", value.encode("utf-16-le")
    yield "utf-16-be", value.encode("utf-16-be")
    for quoted in (quote(value, safe=""), quote_plus(value)):
        yield "percent", quoted.encode()
        yield "percent twice", quote(quoted, safe="").encode()
    yield "hexadecimal", plain.hex().encode()
    # What is signed or sealed is JSON inside base64url; whoever escapes it may use either case of digits.
    for inner in (plain, escaped.encode(), _upper_digits(escaped).encode()):
        yield from (("base64", pattern) for pattern in _base64(inner))


def _escaped(text: str) -> str:
    """JSON's ASCII form, without the quotation marks."""
    return json.dumps(text, ensure_ascii=True)[1:-1]


def _utf16_units(text: str) -> Iterator[int]:
    encoded = text.encode("utf-16-be")
    return (int.from_bytes(encoded[at : at + 2]) for at in range(0, len(encoded), 2))


def _upper_digits(escaped: str) -> str:
    return "\\u".join(part[:4].upper() + part[4:] if at else part for at, part in enumerate(escaped.split("\\u")))


def _base64(content: bytes) -> Iterator[bytes]:
    """What of the content's base64 does not depend on its neighbours, for each place where it may begin."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + content)
        first = -(-before * 8 // 6)
        last = (before + len(content)) * 8 // 6
        core = encoded[first:last]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))
