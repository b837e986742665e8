import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.builders.agency_messages import NOW, Consent
from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.handles import (
    HANDLE_TYP,
    CertifiedHandle,
    HandleCertificate,
    certify,
    read_certificate,
    verify_certificate,
    verify_handle,
)
from tsunagu_contracts.keys import PublicKey, SigningKey

CONSENT = Consent()
CLINIC = "chiyoda-clinic-a"
HANDLE = CONSENT.handle_for(CLINIC, expires_at=NOW + timedelta(days=1))
TRUSTED = CONSENT.signing.public


def test_a_certificate_holds_for_its_agency_until_it_expires() -> None:
    """A certificate of `consent` gives the handle's id and key to the agency it was issued to."""
    certificate = verify_certificate(HANDLE.certificate, TRUSTED, NOW, CLINIC)
    assert certificate.handle_id == verify_handle(HANDLE.certificate, TRUSTED, NOW, CLINIC).handle_id == HANDLE.id
    assert certificate.public_key == HANDLE.key.public


Verify = Callable[[str, PublicKey, datetime, str], CertifiedHandle]
both = pytest.mark.parametrize("verify", [verify_certificate, verify_handle])
"""Of those who write to the handle, and of those who do not."""


@both
def test_an_expired_handle_is_refused(verify: Verify) -> None:
    """From the moment of expiry the handle is refused; it can still be read."""
    with pytest.raises(Refusal) as caught:
        verify(HANDLE.certificate, TRUSTED, NOW + timedelta(days=1), CLINIC)
    assert caught.value.code is RefusalCode.HANDLE_EXPIRED
    assert read_certificate(HANDLE.certificate, TRUSTED).handle_id == HANDLE.id


@both
def test_another_agencys_handle_is_refused(verify: Verify) -> None:
    """A handle serves only the agency that it was issued to."""
    with pytest.raises(Refusal) as caught:
        verify(HANDLE.certificate, TRUSTED, NOW, "minato-school-b")
    assert caught.value.code is RefusalCode.HANDLE_OF_ANOTHER_AGENCY


@both
def test_a_certificate_that_consent_did_not_sign_is_refused(verify: Verify) -> None:
    """An agency cannot certify a handle by itself."""
    made_up = Consent().handle_for(CLINIC)
    with pytest.raises(Refusal) as caught:
        verify(made_up.certificate, TRUSTED, NOW, CLINIC)
    assert caught.value.code is RefusalCode.UNKNOWN_KEY


@both
def test_a_changed_certificate_is_refused(verify: Verify) -> None:
    """A change within the payload breaks the signature."""
    middle = len(HANDLE.certificate) // 2
    other = "A" if HANDLE.certificate[middle] != "A" else "B"
    changed = HANDLE.certificate[:middle] + other + HANDLE.certificate[middle + 1 :]
    with pytest.raises(Refusal) as caught:
        verify(changed, TRUSTED, NOW, CLINIC)
    assert caught.value.code is RefusalCode.SIGNATURE_INVALID


@both
def test_a_handle_with_a_signing_key_is_refused(verify: Verify) -> None:
    """A handle's key is one to be written to."""
    certificate = HandleCertificate(
        handle_id="h-1",
        agency_id=CLINIC,
        public_key=SigningKey.generate().public,
        expires_at=NOW + timedelta(days=1),
    )
    with pytest.raises(Refusal) as caught:
        verify(certify(certificate, CONSENT.signing), TRUSTED, NOW, CLINIC)
    assert caught.value.code is RefusalCode.KEY_MALFORMED


def test_a_certificate_without_its_members_is_refused() -> None:
    """Signed rightly and incomplete is still no certificate."""
    with pytest.raises(Refusal) as caught:
        read_certificate(jose.sign(b'{"handle_id":"h-1"}', CONSENT.signing, typ=HANDLE_TYP), TRUSTED)
    assert caught.value.code is RefusalCode.INVALID_CONTENT


def test_a_key_off_the_curve_is_refused_where_it_would_be_written_to() -> None:
    """Even under consent's signature no one writes to what is no key; a form that is none is refused by all."""
    said = json.loads(jose.verify(HANDLE.certificate, TRUSTED, typ=HANDLE_TYP))
    off_curve = said | {"public_key": said["public_key"] | {"y": said["public_key"]["x"]}}
    token = jose.sign(json.dumps(off_curve).encode(), CONSENT.signing, typ=HANDLE_TYP)
    with pytest.raises(Refusal) as caught:
        verify_certificate(token, TRUSTED, NOW, CLINIC)
    assert caught.value.code is RefusalCode.KEY_MALFORMED
    for form in (said["public_key"] | {"d": "A" * 43}, said["public_key"] | {"x": "A"}, None):
        token = jose.sign(json.dumps(said | {"public_key": form}).encode(), CONSENT.signing, typ=HANDLE_TYP)
        for verify in (verify_certificate, verify_handle):
            with pytest.raises(Refusal) as caught:
                verify(token, TRUSTED, NOW, CLINIC)
            assert caught.value.code is RefusalCode.INVALID_CONTENT
