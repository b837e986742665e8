"""Asking the person: what an agency's software says to `consent` of requests, reviews and changes in a life."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from tsunagu_agency.answers import ChangeReceipt, PersonRequest, PersonRequests, RequestReceipt, ReviewReceipt, read
from tsunagu_agency.http import Services
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.outgoing import ActingCoordinator
from tsunagu_contracts.codes import Category, PersonChange, Purpose, ReviewAnswer
from tsunagu_contracts.manifests import (
    AnswerReview,
    AskPerson,
    ChangeReported,
    PersonAsked,
    ReportChange,
    ReviewAnswered,
    sign_manifest,
)
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.ports import Clock, Ids


class Asking:
    """Requests that persons be asked, as one agency makes, lists and answers them."""

    def __init__(self, keystore: Keystore, services: Services, clock: Clock, ids: Ids) -> None:
        self._keystore = keystore
        self._services = services
        self._clock = clock
        self._ids = ids

    async def ask(
        self,
        referral_id: str,
        *,
        by: ActingCoordinator,
        categories: Sequence[Category],
        purposes: Sequence[Purpose],
        recipients: Sequence[str] | None,
        deadline: datetime,
        request_id: str | None = None,
    ) -> RequestReceipt:
        """Ask that the person of a referral be asked by a date; the referral's sender is told. Raises as `submit`."""
        data = PersonAsked(
            request_id=request_id or self._ids.new(),
            referral_id=referral_id,
            categories=tuple(categories),
            purposes=tuple(purposes),
            recipients=None if recipients is None else tuple(recipients),
            deadline=deadline,
        )
        manifest = AskPerson(
            id=self._ids.new(),
            source=f"agency/{self._keystore.agency_id}",
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=data,
        )
        return read(RequestReceipt, await self._tell("/requests", manifest, by))

    async def open(self, *, by: ActingCoordinator) -> AsyncIterator[PersonRequest]:
        """Yield what this agency is to ask persons or to look at again. Raises as `submit`."""
        after: str | None = ""
        while after is not None:
            page = read(PersonRequests, await self._services.get("consent", f"/requests?after={after}", by=by))
            for each in page.items:
                yield each
            after = page.next

    async def answer_review(self, request_id: str, answer: ReviewAnswer, *, by: ActingCoordinator) -> ReviewReceipt:
        """Say what came of a review that needs no new statement. Raises as `submit`."""
        manifest = AnswerReview(
            id=self._ids.new(),
            source=f"agency/{self._keystore.agency_id}",
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=ReviewAnswered(request_id=request_id, answer=answer),
        )
        return read(ReviewReceipt, await self._tell("/requests/answers", manifest, by))

    async def report_change(
        self, referral_id: str, change: PersonChange, *, by: ActingCoordinator, change_id: str | None = None
    ) -> ChangeReceipt:
        """Report what has changed in a person's life; an earlier id says how that one stands. Raises as `submit`."""
        data = ChangeReported(change_id=change_id or self._ids.new(), referral_id=referral_id, change=change)
        manifest = ReportChange(
            id=self._ids.new(),
            source=f"agency/{self._keystore.agency_id}",
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=data,
        )
        return read(ChangeReceipt, await self._tell("/changes", manifest, by))

    async def _tell(
        self, route: str, manifest: AskPerson | AnswerReview | ReportChange, by: ActingCoordinator
    ) -> dict[str, object]:
        raw = AgencyMessage(sign_manifest(manifest, self._keystore.signing)).to_bytes()
        return await self._services.post("consent", route, raw, by=by, idempotency_key=manifest.id)
