"""What is no event, though it nearly is one; and that refusing it never raises anything but a refusal."""

import bisect
import json

import pytest

from tests.contracts.golden.shelf import CONTRACTS
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import decode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.publish import EXAMPLES
from tsunagu_contracts.strict_json import parse_object

REGISTERED = json.loads((CONTRACTS / EXAMPLES / "agency.registered.v1.json").read_bytes())


def refusal_of(event: object) -> Refusal:
    """Why this is no event."""
    with pytest.raises(Refusal) as refused:
        decode_event(json.dumps(event).encode())
    return refused.value


@pytest.mark.parametrize("version", ["1", True, 2**31, -(2**31), 1e300, 1.5, 0])
def test_a_version_is_a_whole_number_that_databases_can_keep(version: object) -> None:
    """A text that looks like a number is none to a reader of the schema either; 32 bits is what tables have."""
    refused = refusal_of(REGISTERED | {"version": version})
    assert (refused.code, refused.detail) == (RefusalCode.INVALID_CONTENT, {"where": "version"})


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing() -> None:
    """To JSON Schema 1.0 is an integer, and so it is here."""
    assert decode_event(json.dumps(REGISTERED | {"version": 1.0}).encode()).version == 1


@pytest.mark.parametrize(
    "time", [1775001600, 1775001600.5, "1775001600", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_moment_is_written_as_one_and_exists_in_utc(time: object) -> None:
    """One that PostgreSQL could keep and not give back would fail everybody who reads its row, again and again."""
    assert refusal_of(REGISTERED | {"time": time}).detail == {"where": "time"}


def test_a_name_that_the_sender_made_up_is_not_repeated() -> None:
    """Where the fault is goes into logs and tables: it is told in our own names only, and in text they can hold."""
    for name in ("神田 花子", "a\x00b"):
        changed = REGISTERED | {"data": REGISTERED["data"] | {"signing_key": {name: 1}}}
        assert refusal_of(changed).detail == {"where": "data.signing_key"}


def nested(depth: int) -> bytes:
    """An object that is nested so deep, and has a character of two halves, at which a second look is taken."""
    return b'{"a":' + b"[" * depth + b"]" * depth + b',"b":"\\uD83D\\uDE00"}'


def test_however_deep_it_is_nested_a_refusal_is_all_that_comes_of_it() -> None:
    """Depths at which reading just succeeds are no way around: what is done with the value is deeper by a little."""

    def refused(depth: int) -> bool:
        try:
            parse_object(nested(depth))
        except Refusal as refusal:
            return refusal.code is RefusalCode.MALFORMED_JSON
        return False

    first = bisect.bisect_left(range(300_000), True, key=refused)
    assert 0 < first < 300_000
    assert [refused(depth) for depth in range(first, first + 40)] == [True] * 40


@pytest.mark.parametrize("wrong", [{"kty": "EC"}, REGISTERED["data"]["encryption_key"], {}])
def test_an_agency_is_registered_with_keys_or_not_at_all(wrong: object) -> None:
    """Whoever kept a key that is none would fail at every message of that agency, and all that came with it."""
    changed = REGISTERED | {"data": REGISTERED["data"] | {"signing_key": wrong}}
    assert refusal_of(changed).detail == {"where": "data.signing_key"}
