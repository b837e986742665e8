"""Handles: a random id with a key pair that stands for a person in one referral, certified by `consent`."""

from datetime import datetime

from pydantic import ValidationError

from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import KeyUse, PublicKey, SigningKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant

HANDLE_TYP = "tsunagu-handle"


class HandleCertificate(Frozen):
    """`consent`'s word that this key stands for a handle issued to this agency, until `expires_at`."""

    handle_id: Id
    agency_id: AgencyId
    public_key: PublicKey
    expires_at: Instant


def certify(certificate: HandleCertificate, signing_key: SigningKey) -> str:
    """Sign a certificate with the key that the network trusts for handles."""
    return jose.sign(certificate.model_dump_json().encode("utf-8"), signing_key, typ=HANDLE_TYP)


def verify_certificate(
    token: str, trust_key: PublicKey, now: datetime, agency_id: str, *, limits: Limits = DEFAULT_LIMITS
) -> HandleCertificate:
    """Return a certificate that this agency may use now.

    Codes: as for `jose.verify`, and `invalid_content`, `handle_of_another_agency`, `handle_expired`.
    """
    certificate = read_certificate(token, trust_key, limits=limits)
    if certificate.agency_id != agency_id:
        raise Refusal(RefusalCode.HANDLE_OF_ANOTHER_AGENCY, handle_id=certificate.handle_id)
    if now >= certificate.expires_at:
        raise Refusal(RefusalCode.HANDLE_EXPIRED, handle_id=certificate.handle_id)
    return certificate


def read_certificate(token: str, trust_key: PublicKey, *, limits: Limits = DEFAULT_LIMITS) -> HandleCertificate:
    """Return a certificate of `consent`, whoever it was issued to and whether or not it has expired."""
    payload = jose.verify(token, trust_key, typ=HANDLE_TYP, limits=limits)
    try:
        certificate = HandleCertificate.model_validate(parse_object(payload))
    except ValidationError:
        raise Refusal(RefusalCode.INVALID_CONTENT) from None
    if certificate.public_key.use is not KeyUse.ENCRYPTION:
        raise Refusal(RefusalCode.KEY_MALFORMED)
    return certificate
