"""How an agency's system says who calls: a JWT that it signs itself with its registered key (RFC 7523)."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import StringConstraints, ValidationError

from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import PublicKey, SigningKey
from tsunagu_contracts.ports import Ids
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.types import AgencyId, Frozen, Id

ASSERTION_TYP = "JWT"
AUDIENCE: Literal["tsunagu"] = "tsunagu"
MAX_LIFETIME = timedelta(seconds=300)
CLOCK_SKEW = timedelta(seconds=30)
"""How far the agency's clock may be ahead of the service's."""


class Assertion(Frozen):
    """The claims; times are seconds since 1970, `sub` is the agency's system or a coordinator of it."""

    iss: AgencyId
    sub: Annotated[str, StringConstraints(pattern=r"^(system|coordinator):[a-z0-9][a-z0-9.-]{0,63}$")]
    # No default: a token that names no audience might be meant for anybody.
    aud: Literal["tsunagu"]
    iat: int
    exp: int
    jti: Id


def sign_assertion(
    agency_id: str,
    subject: str,
    key: SigningKey,
    *,
    now: datetime,
    ids: Ids,
    lifetime: timedelta = timedelta(seconds=120),
) -> str:
    """Sign an assertion of this agency for one of its subjects (`system:<agency_id>`, `coordinator:<id>`)."""
    issued = int(now.timestamp())
    expires = issued + int(min(lifetime, MAX_LIFETIME).total_seconds())
    claims = Assertion(iss=agency_id, sub=subject, aud=AUDIENCE, iat=issued, exp=expires, jti=ids.new())
    return jose.sign(claims.model_dump_json().encode("utf-8"), key, typ=ASSERTION_TYP)


def verify_assertion(token: str, key: PublicKey, agency_id: str, now: datetime) -> Assertion:
    """Return the claims that this agency signed with this key and that hold now.

    Codes: as for `jose.verify`, and `unauthenticated` (other claims, another agency's system, a lifetime
    over 300 s, issued in the future) and `token_expired`.
    """
    try:
        claims = Assertion.model_validate(parse_object(jose.verify(token, key, typ=ASSERTION_TYP)))
    except ValidationError:
        raise Refusal(RefusalCode.UNAUTHENTICATED, reason="claims") from None
    if claims.iss != agency_id:
        raise Refusal(RefusalCode.UNAUTHENTICATED, reason="issuer")
    if claims.sub.startswith("system:") and claims.sub != f"system:{agency_id}":
        raise Refusal(RefusalCode.UNAUTHENTICATED, reason="subject")
    present = now.timestamp()
    if claims.exp - claims.iat > MAX_LIFETIME.total_seconds():
        raise Refusal(RefusalCode.UNAUTHENTICATED, reason="lifetime")
    if claims.iat > present + CLOCK_SKEW.total_seconds():
        raise Refusal(RefusalCode.UNAUTHENTICATED, reason="issued_in_the_future")
    if present >= claims.exp:
        raise Refusal(RefusalCode.TOKEN_EXPIRED)
    return claims


def claimed_issuer(token: str) -> str:
    """Return the `iss` that a JWT claims, unverified: to choose a key to verify with, nothing more."""
    issuer = jose.unverified_payload(token).get("iss")
    if not isinstance(issuer, str):
        raise Refusal(RefusalCode.UNAUTHENTICATED, reason="issuer")
    return issuer
