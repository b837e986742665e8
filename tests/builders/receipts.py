"""Receipts as an agency gets them for the people in front of it, and as they are used at the person's own door."""

from dataclasses import dataclass

import httpx

from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.consent_bench import CLINIC, Bench, Sent
from tsunagu_contracts.codes import Category
from tsunagu_contracts.manifests import IssueReceipt, ReceiptLost, ReceiptWanted, RevokeReceipt
from tsunagu_contracts.receipts import ReceiptCode, unwrap_receipt_code

SECRET = "みどりの縁側で茶を"


def issuing(
    bench: Bench,
    sent: Sent,
    *,
    by: SendingAgency = CLINIC,
    representative: str | None = None,
    hidden_categories: tuple[Category, ...] | None = None,
    hidden_agencies: tuple[str, ...] | None = None,
) -> IssueReceipt:
    """The manifest that asks for a receipt."""
    return IssueReceipt(
        id=IDS.new(),
        source=f"agency/{by.id}",
        time=bench.clock.now(),
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=ReceiptWanted(
            receipt_id=IDS.new(),
            referral_id=sent.id,
            representative=representative,
            hidden_categories=hidden_categories,
            hidden_agencies=hidden_agencies,
        ),
    )


def revoking(bench: Bench, sent: Sent, receipt_id: str, *, by: SendingAgency = CLINIC) -> RevokeReceipt:
    """The manifest that revokes a receipt."""
    return RevokeReceipt(
        id=IDS.new(),
        source=f"agency/{by.id}",
        time=bench.clock.now(),
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=ReceiptLost(receipt_id=receipt_id, referral_id=sent.id),
    )


@dataclass
class Door:
    """The person's own door, without any agency's token."""

    bench: Bench

    async def receipt(self, sent: Sent, **options: object) -> ReceiptCode:
        """Let the clinic issue a receipt and unwrap its code."""
        manifest = issuing(self.bench, sent, **options)  # type: ignore[arg-type]  # the same options, passed on
        answer = await self.bench.post("/receipts", manifest, by=CLINIC)
        assert answer.status_code == 201, answer.text
        return unwrap_receipt_code(answer.json()["sealed"], CLINIC.encryption)

    async def exchange(self, code: str, secret: str = "") -> httpx.Response:
        """Present a code, with a secret or without."""
        return await self.bench.client.post("/person/tokens", json={"code": code, "secret": secret})

    async def token(self, code: str, secret: str = "") -> str:
        """Exchange a code that must be taken."""
        answer = await self.exchange(code, secret)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    async def set_secret(self, token: str, secret: str = SECRET, permission: str | None = None) -> httpx.Response:
        """Set the secret, by the permission or by a token that may view."""
        chosen = {"secret": secret, "permission": permission}
        return await self.bench.client.put("/person/secret", json=chosen, headers=_bearer(token))

    async def with_secret(self, receipt: ReceiptCode, secret: str = SECRET) -> str:
        """Set a receipt's secret with its permission; returns a token that may view."""
        answer = await self.set_secret(await self.token(receipt.code), secret, receipt.permission)
        assert answer.status_code == 204, answer.text
        return await self.token(receipt.code, secret)

    async def withdraw(self, token: str, *, key: str | None = None, **wanted: object) -> httpx.Response:
        """Withdraw: everything, or what is named."""
        headers = _bearer(token) | {"Idempotency-Key": key or IDS.new()}
        return await self.bench.client.post("/person/withdrawals", json=wanted, headers=headers)

    async def view(self, token: str, language: str = "ja") -> httpx.Response:
        """Look at what is shared."""
        return await self.bench.client.post("/person/view", json={"language": language}, headers=_bearer(token))

    async def limit(self, token: str, categories: list[str], agencies: list[str]) -> httpx.Response:
        """Hide something from representatives."""
        limits = {"categories": categories, "agencies": agencies}
        return await self.bench.client.put("/person/limits", json=limits, headers=_bearer(token))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
