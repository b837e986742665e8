"""Handing out cards: a one-time secret in the person's hands, of which only a keyed hash is kept."""

import secrets
from dataclasses import dataclass

from services import membership
from services.consent.storage import cards, persons
from services.consent.use_cases import messages
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.eventing.work import Work
from tsunagu_contracts.cards import SECRET_BYTES, IssuedCard, seal_issued_card
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.manifests import IssueCard


@dataclass(frozen=True, slots=True)
class Issued:
    """A new card and the key of the agency that hands it out."""

    card: IssuedCard
    recipient_key: PublicKey

    def hand_over(self) -> str:
        """Seal the card for the agency; only once it has been committed."""
        return seal_issued_card(self.card, self.recipient_key)


async def issue(work: Work, verified: Verified[IssueCard], custody: Custody) -> Issued:
    """Make a card for a referral's person; whatever card they had is void from now on.

    The same message again makes another card and voids the first: its secret is nowhere to be told again. Refuses with
    the codes of `appointed` and `party_to`, and with `duplicate_id`.
    """
    manifest = verified.manifest
    await messages.appointed(work, manifest)
    referral, record_id = await messages.party_to(work.session, manifest.data.referral_id, manifest.agency_id)
    agency = await membership.agency(work.session, manifest.agency_id)
    if agency is None:
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    group = await persons.lock_one(work.session, record_id)
    earlier = await cards.earlier(work.session, manifest.agency_id, manifest.id)
    if earlier is not None and not verified.says_the_same(earlier):
        raise Refusal(RefusalCode.DUPLICATE_ID)
    now = custody.clock.now()
    card = IssuedCard(
        referral_id=referral.referral_id,
        expires_at=now + custody.bounds.card_lifetime,
        secret=to_base64url(secrets.token_bytes(SECRET_BYTES)),
    )
    await cards.void(work.session, group.records, now)
    message = (manifest.agency_id, manifest.id, verified.token)
    secret_hash = custody.keys.lookup.of_card(card.secret)
    await cards.issue(work.session, secret_hash, record_id, message, now, card.expires_at)
    return Issued(card, agency.keys.encryption)
