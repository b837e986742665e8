"""Kinds that know nothing of what a message says: bytes, keys and headers."""

import json
from collections.abc import Callable
from dataclasses import replace

from tests.service.bad_input.fates import TAKEN, Draft, Shared, alone, refused
from tsunagu_contracts.codes import RefusalCode

_LARGE = 500_000
_DEEP = 20_000


def _form(name: str, spoil: Callable[[bytes], bytes | None], code: RefusalCode) -> Shared:
    return Shared(name, lambda draft: replace(draft, value=spoil(draft.value or b"")), alone(code), refused(code))


def _harmless(name: str, spoil: Callable[[Draft], Draft]) -> Shared:
    return Shared(name, spoil, TAKEN, TAKEN)


def _headers(name: str, *headers: tuple[bytes, bytes | None]) -> Shared:
    return _harmless(name, lambda draft: replace(draft, headers=headers))


def _key(name: str, key: bytes | None) -> Shared:
    """An event's key is its aggregate's id; what an agency writes there says nothing."""
    return Shared(name, lambda draft: replace(draft, key=key), alone(RefusalCode.INVALID_CONTENT), TAKEN)


def _and_more(value: bytes, more: bytes) -> bytes:
    """An object's text with one more member at its end."""
    return value[:-1] + b"," + more + b"}"


def _first_twice(value: bytes) -> bytes:
    name, member = next(iter(json.loads(value).items()))
    return _and_more(value, f"{json.dumps(name)}:{json.dumps(member)}".encode())


_MALFORMED = RefusalCode.MALFORMED_JSON

SHARED = (
    _form("nothing", lambda _: b"", _MALFORMED),
    _form("null (a tombstone)", lambda _: None, _MALFORMED),
    _form("not UTF-8", lambda value: b"\xff" + value, RefusalCode.NOT_UTF8),
    _form("UTF-16", lambda value: value.decode().encode("utf-16"), RefusalCode.NOT_UTF8),
    _form("a byte order mark before it", lambda value: b"\xef\xbb\xbf" + value, _MALFORMED),
    _form("no JSON", lambda _: b"hello", _MALFORMED),
    _form("zero bytes", lambda _: b"\x00" * 100, _MALFORMED),
    Shared(
        "half a megabyte of anything",
        lambda draft: replace(draft, value=b"0123456789abcdef" * (_LARGE // 16)),
        alone(_MALFORMED),
        refused(RefusalCode.OVERSIZE),
    ),
    _form("cut short", lambda value: value[:-7], _MALFORMED),
    _form("two in one", lambda value: value + value, _MALFORMED),
    _form("a list", lambda value: b"[" + value + b"]", _MALFORMED),
    _form("a text that holds it", lambda value: json.dumps(value.decode()).encode(), _MALFORMED),
    _form("nested without end", lambda value: _and_more(value, b'"deep":' + b"[" * _DEEP), _MALFORMED),
    _form("a name twice", _first_twice, _MALFORMED),
    _form("NaN", lambda value: _and_more(value, b'"of_tomorrow":NaN'), _MALFORMED),
    _form("half a character", lambda value: _and_more(value, b'"of_tomorrow":"\\ud800"'), _MALFORMED),
    _form("a number of 5,000 digits", lambda value: _and_more(value, b'"of_tomorrow":' + b"9" * 5000), _MALFORMED),
    Shared(
        "no JSON, with a `traceparent` of zero bytes",
        lambda draft: replace(draft, value=b"hello", headers=((b"traceparent", b"\x00" * 55),)),
        alone(_MALFORMED),
        refused(_MALFORMED),
    ),
    Shared(
        "no JSON, with a key of zero bytes",
        lambda draft: replace(draft, value=b"hello", key=b"\x00"),
        alone(_MALFORMED),
        refused(_MALFORMED),
    ),
    _key("no key", None),
    _key("an empty key", b""),
    _key("another's key", b"another"),
    _key("a key that is not UTF-8", b"\xff\xfe"),
    _key("a key with a zero byte", b"a\x00b"),
    _key("a key of 10,000 bytes", bytes(range(33, 123)) * 112),
    _headers("a header that is null", (b"traceparent", None)),
    _headers("a `traceparent` that is not text", (b"traceparent", b"\xff\x00\xfe")),
    _headers("a `traceparent` that is none", (b"traceparent", b"00-xyz")),
    _headers("a header twice", (b"traceparent", b""), (b"traceparent", b"00-xyz")),
    _headers("a header's name that is not UTF-8", (b"\xff\xfe", b"1")),
    _harmless("a member that nobody knows", lambda draft: draft.saying(draft.members | {"of_tomorrow": {"a": [1]}})),
)
