"""A person's card: a one-time secret, with which an agency to which the person shows it joins what it knows of them.

The secret is 128 random bits in base64url. It travels sealed: from `consent` to the agency that hands the card out,
and from the agency that is shown the card to `consent`; neither keeps it.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, PublicKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.sealing import Secret
from tsunagu_contracts.types import AgencyId, Id, Instant

SECRET_BYTES = 16
ISSUED_CARD_TYP = "tsunagu-issued-card"
SHOWN_CARD_TYP = "tsunagu-shown-card"

CardSecret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
"""The secret on a card."""


class IssuedCard(Secret):
    """A new card, as `consent` tells it once to the agency that asked for it."""

    referral_id: Id
    expires_at: Instant
    secret: CardSecret = Field(repr=False)


class ShownCard(Secret):
    """A card that this agency was shown."""

    sender: AgencyId
    secret: CardSecret = Field(repr=False)


def seal_issued_card(card: IssuedCard, agency_key: PublicKey) -> str:
    """Seal a new card to the agency's pinned encryption key."""
    return jose.wrap(card.written(), agency_key, typ=ISSUED_CARD_TYP)


def open_issued_card(token: str, agency_key: EncryptionKey, *, limits: Limits = DEFAULT_LIMITS) -> IssuedCard:
    """Open a new card; codes as for `jose.unwrap`."""
    return IssuedCard.read(jose.unwrap(token, agency_key, typ=ISSUED_CARD_TYP, limits=limits))


def seal_shown_card(card: ShownCard, consent_key: PublicKey) -> str:
    """Seal the secret of a card to `consent`."""
    return jose.wrap(card.written(), consent_key, typ=SHOWN_CARD_TYP)


def open_shown_card(token: str, consent_key: EncryptionKey, sender: str, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the secret of a card that this agency sealed; whatever else it is, it is refused with `card_not_valid`."""
    try:
        shown = ShownCard.read(jose.unwrap(token, consent_key, typ=SHOWN_CARD_TYP, limits=limits))
    except Refusal:
        raise Refusal(RefusalCode.CARD_NOT_VALID) from None
    if shown.sender != sender:
        raise Refusal(RefusalCode.CARD_NOT_VALID)
    return shown.secret
