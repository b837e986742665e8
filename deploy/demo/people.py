"""The people of the story at their own screens: signing in, reading the inbox, asking the log; all over HTTP."""

import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel

from deploy.issuer import GRANT_TYPE
from tsunagu_agency import ActingCoordinator


class InboxItem(BaseModel):
    """An item of a coordinator's inbox, as `notify` shows it."""

    notification_id: str
    referral_id: str
    message: str
    text: str


class Access(BaseModel):
    """One opening or refused attempt, as `audit` shows it."""

    outcome: str
    category: str | None
    agency_id: str
    coordinator_id: str
    appointment_id: str | None
    statement_number: int | None
    number: int | None
    reason: str | None
    decided_at: str


class _Inbox(BaseModel):
    items: list[InboxItem]


class _Accesses(BaseModel):
    accesses: list[Access]


class _Coordinator(BaseModel):
    name: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A coordinator of the demo network and the appointment under which they act."""

    coordinator_id: str
    appointment_id: str


class Screens:
    """What people do at their screens, each under their own sign-in; an async context manager."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._addresses = addresses
        self._http = httpx.AsyncClient(timeout=30)

    async def __aenter__(self) -> Self:
        """Return the screens."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def sign_in(self, subject: str) -> str:
        """A fresh token of the development issuer for `coordinator:<id>` or `auditor:<id>`."""
        answer = await self._http.post(
            f"{self._addresses['issuer']}/token", data={"grant_type": GRANT_TYPE, "subject": subject}
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    async def acting(self, worker: Worker) -> ActingCoordinator:
        """The coordinator, signed in."""
        return ActingCoordinator(
            coordinator_id=worker.coordinator_id,
            appointment_id=worker.appointment_id,
            token=await self.sign_in(f"coordinator:{worker.coordinator_id}"),
        )

    async def _get(self, service: str, path: str, token: str, **params: str) -> httpx.Response:
        answer = await self._http.get(
            f"{self._addresses[service]}{path}", params=params, headers={"Authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
        return answer

    async def inbox(self, coordinator_id: str) -> list[InboxItem]:
        """The coordinator's inbox."""
        token = await self.sign_in(f"coordinator:{coordinator_id}")
        return _Inbox.model_validate((await self._get("notify", "/inbox", token)).json()).items

    async def acknowledge(self, coordinator_id: str, item: InboxItem) -> None:
        """Mark an item of the inbox as seen."""
        token = await self.sign_in(f"coordinator:{coordinator_id}")
        answer = await self._http.post(
            f"{self._addresses['notify']}/inbox/{item.notification_id}/acknowledge",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(16)},
        )
        answer.raise_for_status()

    async def accesses(self, auditor_id: str, referral_id: str) -> list[Access]:
        """Who saw what of a referral, and who was refused, as the auditor may ask under the mandate."""
        token = await self.sign_in(f"auditor:{auditor_id}")
        answer = await self._get("audit", "/accesses", token, referral_id=referral_id)
        return _Accesses.model_validate(answer.json()).accesses

    async def name_of(self, coordinator_id: str) -> str:
        """A coordinator's name, which only `directory` knows."""
        token = await self.sign_in(f"coordinator:{coordinator_id}")
        answer = await self._get("directory", f"/coordinators/{coordinator_id}", token)
        return _Coordinator.model_validate(answer.json()).name
