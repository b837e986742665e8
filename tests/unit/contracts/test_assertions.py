import json
from datetime import timedelta

import pytest

from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tsunagu_contracts import jose
from tsunagu_contracts.assertions import ASSERTION_TYP, claimed_issuer, sign_assertion, verify_assertion
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

CLINIC = SendingAgency()
SYSTEM = f"system:{CLINIC.id}"
TOKEN = sign_assertion(CLINIC.id, SYSTEM, CLINIC.signing, now=NOW, ids=IDS)
ISSUED = int(NOW.timestamp())
CLAIMS = {"iss": CLINIC.id, "sub": SYSTEM, "aud": "tsunagu", "iat": ISSUED, "exp": ISSUED + 60, "jti": "j-1"}


def refused(token: str, *, after: timedelta = timedelta()) -> RefusalCode:
    """The code with which an assertion is refused."""
    with pytest.raises(Refusal) as caught:
        verify_assertion(token, CLINIC.signing.public, CLINIC.id, NOW + after)
    return caught.value.code


def claiming(**change: object) -> str:
    """An assertion with some claims changed, signed rightly."""
    claims = {name: value for name, value in (CLAIMS | change).items() if value is not None}
    return jose.sign(json.dumps(claims).encode(), CLINIC.signing, typ=ASSERTION_TYP)


def test_a_fresh_assertion_says_who_calls() -> None:
    """The agency's system, or a coordinator that it vouches for, is read from the assertion."""
    assert verify_assertion(TOKEN, CLINIC.signing.public, CLINIC.id, NOW).sub == SYSTEM
    vouched = sign_assertion(CLINIC.id, "coordinator:c-0001", CLINIC.signing, now=NOW, ids=IDS)
    assert verify_assertion(vouched, CLINIC.signing.public, CLINIC.id, NOW).sub == "coordinator:c-0001"
    assert claimed_issuer(TOKEN) == CLINIC.id


def test_an_assertion_expires() -> None:
    """It holds until before its expiry, which is never more than 300 seconds away."""
    assert refused(TOKEN, after=timedelta(seconds=120)) is RefusalCode.TOKEN_EXPIRED
    long = sign_assertion(CLINIC.id, SYSTEM, CLINIC.signing, now=NOW, ids=IDS, lifetime=timedelta(hours=9))
    assert refused(long, after=timedelta(seconds=300)) is RefusalCode.TOKEN_EXPIRED


@pytest.mark.parametrize(
    "change",
    [
        {"exp": ISSUED + 301},
        {"iat": ISSUED + 100, "exp": ISSUED + 200},
        {"iss": "minato-school-b"},
        {"sub": "system:minato-school-b"},
        {"sub": "auditor:au-0001"},
        {"sub": "operator:root"},
        {"aud": "elsewhere"},
        {"aud": ["tsunagu"]},
        {"aud": None},
        {"jti": None},
        {"exp": None},
        {"exp": "soon"},
    ],
    ids=str,
)
def test_other_claims_are_refused(change: dict[str, object]) -> None:
    """Another audience, issuer or subject, too long a life or a time in the future is refused."""
    assert refused(claiming(**change)) is RefusalCode.UNAUTHENTICATED


def test_a_manifest_is_no_assertion() -> None:
    """What an agency signed for another purpose lets nobody in."""
    token = jose.sign(json.dumps(CLAIMS).encode(), CLINIC.signing, typ="tsunagu-manifest")
    assert refused(token) is RefusalCode.HEADER_NOT_ALLOWED
