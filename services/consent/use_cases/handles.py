"""Issuing blank handles, with which an agency can seal referrals offline."""

import asyncio

from services.consent.keystore import ServiceKeys
from services.consent.storage import handles
from services.consent.use_cases.custody import Custody
from services.eventing.work import Work
from tsunagu_contracts.handles import HandleCertificate, certify
from tsunagu_contracts.keys import EncryptionKey


async def issue(work: Work, agency_id: str, count: int, custody: Custody) -> list[str]:
    """Make, keep, note and certify new handles for an agency; returns their certificates.

    The keys are on disk before anything else of a handle exists. A crash in between leaves keys that no
    certificate names, which harm nobody, and never a certified handle that nobody could open.
    """
    expires_at = work.now + custody.bounds.handle_lifetime
    keys = await asyncio.to_thread(lambda: {work.ids.new(): EncryptionKey.generate() for _ in range(count)})
    await custody.store.keep(keys)
    await handles.issue(work.session, list(keys), agency_id, work.now, expires_at)
    certificates = [
        HandleCertificate(handle_id=handle_id, agency_id=agency_id, public_key=key.public, expires_at=expires_at)
        for handle_id, key in keys.items()
    ]
    return await asyncio.to_thread(_certify, certificates, custody.keys)


def _certify(certificates: list[HandleCertificate], keys: ServiceKeys) -> list[str]:
    return [certify(certificate, keys.certifying) for certificate in certificates]
