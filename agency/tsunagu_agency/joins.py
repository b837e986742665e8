"""One person known to several agencies: cards to hand out, and joins by a card or by the person's word."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from tsunagu_agency.answers import CardIssued, JoinReceipt, UndoingPreview, UndoneReceipt, read
from tsunagu_agency.cards import Card
from tsunagu_agency.configuration import Network
from tsunagu_agency.errors import ProblemError
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.outgoing import ActingCoordinator, Announcement
from tsunagu_contracts.cards import ShownCard, open_issued_card, seal_shown_card
from tsunagu_contracts.codes import StatementMethod, UnjoinReason
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.manifests import (
    AnyManifest,
    CardWanted,
    HandlesJoined,
    HandlesUnjoined,
    IssueCard,
    JoinHandles,
    Notice,
    UnjoinHandles,
    sign_manifest,
)
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.ports import Clock, Ids

Tell = Callable[[str, Announcement, ActingCoordinator], Awaitable[dict[str, object]]]
"""Brings a signed message to a route of `consent`, and returns the answer."""


Ask = Callable[[str, dict[str, object], ActingCoordinator], Awaitable[dict[str, object]]]
"""Asks a route of `consent` something that changes nothing."""


class Joins:
    """What an agency tells `consent` of who is one person; every method raises as `AgencyClient.submit`."""

    def __init__(self, keystore: Keystore, network: Network, *, clock: Clock, ids: Ids, tell: Tell, ask: Ask) -> None:
        self._keystore = keystore
        self._network = network
        self._clock = clock
        self._ids = ids
        self._tell = tell
        self._ask = ask

    async def issue_card(self, referral_id: str, *, by: ActingCoordinator) -> Card:
        """Get a new card for a referral's person, to be printed and handed over; earlier ones stop working."""
        manifest = IssueCard(**self._head(by), data=CardWanted(referral_id=referral_id))
        answer = read(CardIssued, await self._tell("/cards", self._signed(manifest, referral_id), by))
        try:
            card = open_issued_card(answer.card, self._keystore.encryption)
        except Refusal as refusal:
            raise ProblemError.of(502, {"code": refusal.code.value}) from None
        return Card(card.referral_id, card.expires_at, card.secret)

    async def by_card(self, referral_id: str, secret: str, *, by: ActingCoordinator) -> JoinReceipt:
        """Join a referral with the person of a card that was shown (`scanned` reads it); the card is then used up."""
        shown = ShownCard(sender=self._keystore.agency_id, secret=secret)
        card = seal_shown_card(shown, self._network.person_ref_key)
        return await self._join(HandlesJoined(join_id=self._ids.new(), referral_id=referral_id, card=card), by)

    async def by_word(
        self,
        referral_id: str,
        other_referral_id: str,
        *,
        by: ActingCoordinator,
        how: StatementMethod,
        notice: Notice,
        stated_at: datetime | None = None,
    ) -> JoinReceipt:
        """Join two of the agency's referrals, because the person has said that both are about them."""
        said = HandlesJoined(
            join_id=self._ids.new(),
            referral_id=referral_id,
            other_referral_id=other_referral_id,
            how=how,
            stated_at=stated_at or self._clock.now(),
            notice=notice,
        )
        return await self._join(said, by)

    async def preview_undo(self, join_id: str, *, by: ActingCoordinator) -> UndoingPreview:
        """Look at what undoing a join would change for this agency, and what it would then owe; nothing changes."""
        return read(UndoingPreview, await self._ask("/joins/preview-undo", {"join_id": join_id}, by))

    async def undo(self, join_id: str, reason: UnjoinReason, *, by: ActingCoordinator) -> UndoneReceipt:
        """Undo a join; what was opened under the other side's word is then owed."""
        manifest = UnjoinHandles(**self._head(by), data=HandlesUnjoined(join_id=join_id, reason=reason))
        return read(UndoneReceipt, await self._tell("/joins/undo", self._signed(manifest, join_id), by))

    async def _join(self, said: HandlesJoined, by: ActingCoordinator) -> JoinReceipt:
        manifest = JoinHandles(**self._head(by), data=said)
        return read(JoinReceipt, await self._tell("/joins", self._signed(manifest, said.join_id), by))

    def _head(self, by: ActingCoordinator) -> dict[str, object]:
        return {
            "id": self._ids.new(),
            "source": f"agency/{self._keystore.agency_id}",
            "time": self._clock.now(),
            "actor": by.actor,
            "appointment": by.appointment_id,
        }

    def _signed(self, manifest: AnyManifest, about: str) -> Announcement:
        raw = AgencyMessage(sign_manifest(manifest, self._keystore.signing)).to_bytes()
        return Announcement(manifest.id, about, raw)
