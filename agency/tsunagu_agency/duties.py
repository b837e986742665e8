"""What the law asks an agency to record and to answer, told to `consent` and `audit` and read from them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tsunagu_agency.answers import read
from tsunagu_agency.http import Services
from tsunagu_agency.outgoing import ActingCoordinator, MessageWriter
from tsunagu_contracts.codes import (
    AgencyKind,
    CaseEnd,
    CaseKind,
    CaseRefusal,
    CaseWay,
    Category,
    DisclosureGround,
    DisclosureWay,
    OutsideBody,
    ProvisionSide,
    Purpose,
)
from tsunagu_contracts.manifests import (
    AnswerCase,
    DisclosureMade,
    OpenCase,
    PartAnswered,
    ProvisionsRecorded,
    RecordDisclosure,
    RecordKept,
    ReportProvisions,
    RequestMade,
)
from tsunagu_contracts.ports import Clock, Ids
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant


class Opening(Frozen):
    """A section that was opened, from this agency's side: `counterpart` is the other one."""

    side: ProvisionSide
    release_id: Id
    referral_id: Id
    section_id: Id
    category: Category
    purpose: Purpose
    counterpart: AgencyId
    statement_id: Id
    decided_at: Instant


class OpeningPage(Frozen):
    """A page of openings; `next` is where the following one begins."""

    items: tuple[Opening, ...]
    next: Id | None


class _Facts(Frozen):
    kind: AgencyKind


class _Address(Frozen):
    address_1: str = ""
    city: str = ""
    state_province: str = ""


class _Location(Frozen):
    addresses: tuple[_Address, ...] = ()


class _Contact(Frozen):
    name: str | None = None
    title: str | None = None


class Body(Frozen):
    """An agency as `directory` shows it: an HSDS organization, with what the network adds."""

    name: str
    legal_status: str | None = None
    locations: tuple[_Location, ...] = ()
    contacts: tuple[_Contact, ...] = ()
    tsunagu: _Facts

    @property
    def address(self) -> str | None:
        """Where it is, if the directory says so."""
        found = next((address for location in self.locations for address in location.addresses), None)
        return None if found is None else f"{found.state_province}{found.city}{found.address_1}" or None

    @property
    def representative(self) -> str | None:
        """The name of its legal representative (代表者), if the directory has a contact of that title."""
        return next((each.name for each in self.contacts if each.title is not None and "代表" in each.title), None)


class ReportReceipt(Frozen):
    """What `audit` answers to a report that it keeps."""

    report_id: Id
    reported_at: Instant


class DisclosureReceipt(Frozen):
    """What `consent` answers when a disclosure is recorded."""

    disclosure_id: Id
    recorded_at: Instant


class CaseReceipt(Frozen):
    """What `consent` answers when a request is passed on: until when every agency concerned is to answer the person."""

    case_id: Id
    opened_at: Instant
    due_at: Instant


class CasePart(Frozen):
    """What this agency is to answer for; `case_id` only where it has received the request itself."""

    part_id: Id
    kind: CaseKind
    referral_ids: tuple[Id, ...]
    due_at: Instant
    overdue_at: Instant | None
    ended_as: CaseEnd | None
    case_id: Id | None


class _CaseParts(Frozen):
    items: tuple[CasePart, ...]
    next: Id | None


class AnswerReceipt(Frozen):
    """What `consent` answers when a part has been answered."""

    part_id: Id
    answered_at: Instant


@dataclass(frozen=True, slots=True)
class Openings:
    """What was opened of what this agency has sent or was sent; `provisions.ProvisionBook` makes the records of it."""

    _writer: MessageWriter
    _services: Services

    async def page(self, *, after: str, by: ActingCoordinator) -> OpeningPage:
        """Read openings by release id, those after this one. Raises as `AgencyClient.submit`."""
        return read(OpeningPage, await self._services.get("consent", f"/provisions?after={after}&limit=200", by=by))

    async def counterpart(self, agency_id: str) -> Body:
        """Read who an agency is, from `directory`. Raises as `AgencyClient.submit`."""
        return read(Body, await self._services.get("directory", f"/agencies/{agency_id}"))

    async def report(
        self, side: ProvisionSide, records: Sequence[RecordKept], *, by: ActingCoordinator
    ) -> ReportReceipt:
        """Tell `audit` which records are kept, `MOST_RECORDS` at most. Raises as `AgencyClient.submit`."""
        said = ProvisionsRecorded(side=side, records=tuple(records))
        message = self._writer.announce(ReportProvisions, said, about=side.value, by=by)
        answer = await self._services.post(
            "audit", "/provision-records", message.raw, by=by, idempotency_key=message.message_id
        )
        return read(ReportReceipt, answer)


@dataclass(frozen=True, slots=True)
class Disclosures:
    """What this agency discloses outside the network: traceable, and no key moves for it."""

    _writer: MessageWriter
    _services: Services
    _clock: Clock
    _ids: Ids

    async def record(
        self,
        referral_id: str,
        ground: DisclosureGround,
        way: DisclosureWay,
        categories: Sequence[Category],
        *,
        by: ActingCoordinator,
        to: str | OutsideBody,
        disclosed_at: datetime | None = None,
    ) -> DisclosureReceipt:
        """Record a disclosure to an agency (its id) or a kind of body outside, by default made now.

        Raises as `AgencyClient.submit`.
        """
        outside = isinstance(to, OutsideBody)
        made = DisclosureMade(
            disclosure_id=self._ids.new(),
            referral_id=referral_id,
            ground=ground,
            way=way,
            to_agency=None if outside else to,
            to_body=OutsideBody(to) if outside else None,
            categories=tuple(categories),
            disclosed_at=disclosed_at or self._clock.now(),
        )
        message = self._writer.announce(RecordDisclosure, made, about=made.disclosure_id, by=by)
        answer = await self._services.post(
            "consent", "/disclosures", message.raw, by=by, idempotency_key=message.message_id
        )
        return read(DisclosureReceipt, answer)


@dataclass(frozen=True, slots=True)
class Cases:
    """Persons' requests about what is held of them: 開示・訂正・利用停止 (個人情報保護法33条から35条)."""

    _writer: MessageWriter
    _services: Services
    _clock: Clock
    _ids: Ids

    async def open(
        self,
        referral_id: str,
        kind: CaseKind,
        how: CaseWay,
        *,
        by: ActingCoordinator,
        received_at: datetime | None = None,
        representative: str | None = None,
    ) -> CaseReceipt:
        """Pass a person's request on to every agency that holds something of them. Raises as `AgencyClient.submit`."""
        made = RequestMade(
            case_id=self._ids.new(),
            referral_id=referral_id,
            kind=kind,
            how=how,
            received_at=received_at or self._clock.now(),
            representative=representative,
        )
        message = self._writer.announce(OpenCase, made, about=made.case_id, by=by)
        answer = await self._services.post("consent", "/cases", message.raw, by=by, idempotency_key=message.message_id)
        return read(CaseReceipt, answer)

    async def parts(self, *, by: ActingCoordinator, answered: bool = False) -> AsyncIterator[CasePart]:
        """Yield what this agency is to answer for; with `answered` what is over as well. Raises as `submit`."""
        after: str | None = ""
        while after is not None:
            route = f"/cases?after={after}&answered={str(answered).lower()}"
            page = read(_CaseParts, await self._services.get("consent", route, by=by))
            for each in page.items:
                yield each
            after = page.next

    async def answer(
        self, part_id: str, end: CaseEnd, *, by: ActingCoordinator, refused_under: CaseRefusal | None = None
    ) -> AnswerReceipt:
        """Say what was done with this agency's own part, or under which article it is refused. Raises as `submit`."""
        said = PartAnswered(part_id=part_id, end=end, refused_under=refused_under)
        message = self._writer.announce(AnswerCase, said, about=part_id, by=by)
        answer = await self._services.post(
            "consent", "/cases/answers", message.raw, by=by, idempotency_key=message.message_id
        )
        return read(AnswerReceipt, answer)
