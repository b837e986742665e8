"""Receipts for the people in front of an agency: issued, handed over in its client's memory, revoked when lost."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tsunagu_agency.answers import read
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.outgoing import ActingCoordinator, OutgoingMessage
from tsunagu_contracts.codes import Category, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.manifests import IssueReceipt, ReceiptLost, ReceiptWanted, RevokeReceipt, sign_manifest
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.ports import Clock, Ids
from tsunagu_contracts.receipts import unwrap_receipt_code
from tsunagu_contracts.types import Compact, Frozen, Id, Instant

Tell = Callable[[str, OutgoingMessage, ActingCoordinator], Awaitable[dict[str, object]]]
"""Brings a signed message to a route of `consent` and returns what it answers."""


class _ReceiptAnswer(Frozen):
    receipt_id: Id
    ends_at: Instant
    sealed: Compact | None


@dataclass(frozen=True, slots=True)
class IssuedReceipt:
    """A receipt: its code goes onto the page, the permission to set a secret never does; neither is kept anywhere."""

    receipt_id: str
    ends_at: datetime
    code: str = field(repr=False)
    permission: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipts:
    """Issues and revokes receipts in the name of an agency; `AgencyClient.receipts` is one."""

    keystore: Keystore
    clock: Clock
    ids: Ids
    tell: Tell

    async def issue(
        self,
        referral_id: str,
        *,
        by: ActingCoordinator,
        representative_id: str | None = None,
        hidden_categories: Sequence[Category] = (),
        hidden_agencies: Sequence[str] = (),
        receipt_id: str | None = None,
    ) -> IssuedReceipt:
        """Get a receipt for the person of a referral, or for a representative whom this agency has recorded.

        What is hidden no view by it shows: the person wants to see that in person only. Raises as `submit`. Where no
        answer comes it may have been issued all the same: give a `receipt_id` and revoke it, then issue another.
        """
        manifest = IssueReceipt(
            id=self.ids.new(),
            source=f"agency/{self.keystore.agency_id}",
            time=self.clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=ReceiptWanted(
                receipt_id=receipt_id or self.ids.new(),
                referral_id=referral_id,
                representative=representative_id,
                hidden_categories=tuple(hidden_categories) or None,
                hidden_agencies=tuple(hidden_agencies) or None,
            ),
        )
        answer = read(_ReceiptAnswer, await self.tell("/receipts", self._signed(manifest), by))
        issued = unwrap_receipt_code(answer.sealed or "", self.keystore.encryption)
        if not issued.receipt_id == answer.receipt_id == manifest.data.receipt_id:
            raise Refusal(RefusalCode.CANNOT_OPEN)
        return IssuedReceipt(issued.receipt_id, answer.ends_at, issued.code, issued.permission)

    async def revoke(self, referral_id: str, receipt_id: str, *, by: ActingCoordinator) -> None:
        """Let a lost receipt of the person of a referral open nothing any more. Raises as `submit`."""
        manifest = RevokeReceipt(
            id=self.ids.new(),
            source=f"agency/{self.keystore.agency_id}",
            time=self.clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=ReceiptLost(receipt_id=receipt_id, referral_id=referral_id),
        )
        await self.tell("/receipts/revocations", self._signed(manifest), by)

    def _signed(self, manifest: IssueReceipt | RevokeReceipt) -> OutgoingMessage:
        raw = AgencyMessage(sign_manifest(manifest, self.keystore.signing)).to_bytes()
        return OutgoingMessage(manifest.id, manifest.data.referral_id, raw)
