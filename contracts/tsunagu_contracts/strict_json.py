"""JSON that means one thing only: UTF-8, no duplicate names, no NaN, no half characters."""

import json
from collections.abc import Sequence
from typing import NoReturn

from pydantic_core import from_json, to_json

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal


def parse_object(raw: bytes) -> dict[str, object]:
    """Read one JSON object; refuses with `not_utf8` or `malformed_json`.

    Two readers that keep different ones of two members of the same name would see
    two different messages under one signature, so duplicates are refused (RFC 8259 section 4).
    """
    try:
        value: object = from_json(raw, allow_inf_nan=False, cache_strings="keys")
        # A lenient reader, but fast. Bytes that come out again as they went in mean one thing only.
        if isinstance(value, dict) and to_json(value) == raw:
            return value
    except ValueError:
        pass  # what is wrong with it is said below
    return _parse_any_spelling(raw)


def _parse_any_spelling(raw: bytes) -> dict[str, object]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(RefusalCode.NOT_UTF8) from None
    try:
        value: object = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refusal(RefusalCode.MALFORMED_JSON) from None
    if not isinstance(value, dict):
        raise Refusal(RefusalCode.MALFORMED_JSON, expected="object")
    # Half a character can only be spelled with a backslash; none is found sooner than another sequence.
    if "\\" in text and ("\\ud" in text or "\\uD" in text):
        _refuse_lone_surrogates(value)
    return value


def _without_duplicates(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refusal(RefusalCode.MALFORMED_JSON, reason="duplicate_name")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise Refusal(RefusalCode.MALFORMED_JSON, reason="not_a_number")


def _refuse_lone_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        raise Refusal(RefusalCode.MALFORMED_JSON, reason="lone_surrogate") from None
