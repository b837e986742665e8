"""Handles: a random id with a key pair that stands for a person in one referral, certified by `consent`."""

from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import KeyUse, PublicJwk, PublicKey, SigningKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant

HANDLE_TYP = "tsunagu-handle"


class CertifiedHandle(Frozen):
    """What a certificate says to those who do not write to the handle: its key is in form, and not checked further."""

    handle_id: Id
    agency_id: AgencyId
    public_key: PublicJwk
    expires_at: Instant


class HandleCertificate(CertifiedHandle):
    """`consent`'s word that this key stands for a handle issued to this agency, until `expires_at`."""

    public_key: PublicKey


_Read = TypeVar("_Read", bound=CertifiedHandle)


def certify(certificate: HandleCertificate, signing_key: SigningKey) -> str:
    """Sign a certificate with the key that the network trusts for handles."""
    return jose.sign(certificate.model_dump_json().encode("utf-8"), signing_key, typ=HANDLE_TYP)


def verify_certificate(
    token: str, trust_key: PublicKey, now: datetime, agency_id: str, *, limits: Limits = DEFAULT_LIMITS
) -> HandleCertificate:
    """Return a certificate that this agency may use now, with the key to write to.

    Codes: as for `jose.verify`, and `invalid_content`, `key_malformed`, `handle_of_another_agency`, `handle_expired`.
    """
    return _usable(_read(HandleCertificate, token, trust_key, limits), now, agency_id)


def verify_handle(
    token: str, trust_key: PublicKey, now: datetime, agency_id: str, *, limits: Limits = DEFAULT_LIMITS
) -> CertifiedHandle:
    """Return the handle of a certificate that this agency may use now, for those who do not write to it.

    Codes: as for `verify_certificate`; that the key is a point on the curve is the word of `consent`, who made it.
    """
    return _usable(_read(CertifiedHandle, token, trust_key, limits), now, agency_id)


def read_certificate(token: str, trust_key: PublicKey, *, limits: Limits = DEFAULT_LIMITS) -> HandleCertificate:
    """Return a certificate of `consent`, whoever it was issued to and whether or not it has expired."""
    return _read(HandleCertificate, token, trust_key, limits)


def _read(kind: type[_Read], token: str, trust_key: PublicKey, limits: Limits) -> _Read:
    payload = jose.verify(token, trust_key, typ=HANDLE_TYP, limits=limits)
    try:
        certificate = kind.model_validate(parse_object(payload))
    except ValidationError:
        raise Refusal(RefusalCode.INVALID_CONTENT) from None
    if certificate.public_key.use is not KeyUse.ENCRYPTION:
        raise Refusal(RefusalCode.KEY_MALFORMED)
    return certificate


def _usable(certificate: _Read, now: datetime, agency_id: str) -> _Read:
    if certificate.agency_id != agency_id:
        raise Refusal(RefusalCode.HANDLE_OF_ANOTHER_AGENCY, handle_id=certificate.handle_id)
    if now >= certificate.expires_at:
        raise Refusal(RefusalCode.HANDLE_EXPIRED, handle_id=certificate.handle_id)
    return certificate
