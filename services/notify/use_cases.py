"""What notify does: tells coordinators when referrals move, and takes note of what they have seen."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.eventing.records import Item
from services.eventing.work import Emission, Work
from services.notify import domain, storage
from services.notify.domain import Duty, Happening, Notice, Standing
from services.notify.storage import InboxItem
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.directory import AppointmentGranted
from tsunagu_contracts.events.notify import NotificationAcknowledged, NotificationCreated
from tsunagu_contracts.events.referral import ReferralFacts

_log = logging.getLogger("tsunagu.notify")
_NOTIFY = Actor.system("notify")


@dataclass(frozen=True, slots=True)
class Reader:
    """A coordinator who reads an inbox, and by agency the appointment under which they may now see its items."""

    coordinator_id: str
    appointments: Mapping[str, str]

    @property
    def agencies(self) -> Collection[str]:
        """The agencies whose items they may see."""
        return self.appointments.keys()


async def tell(work: Work, items: Sequence[Item]) -> None:
    """Tell whoever is to be told of these items; the directory's events among them must have been applied.

    Someone whose appointment arrives after a delivery that it covers is told then: the two come over
    different topics, in either order.
    """
    happenings = await _follow(work.session, items)
    newcomers = _newcomers(items)
    waiting = await storage.waiting_at(work.session, newcomers.keys())
    late = [found for referral in waiting if (found := domain.delivery(referral)) is not None]
    duties = await _duties(work.session, {happening.told_agency for happening in [*happenings, *late]})
    due: list[Notice] = []
    for happening in happenings:
        told = domain.notices(happening, duties)
        if not told:
            _log.warning(
                "nobody is on duty agency=%s referral=%s",
                happening.told_agency,
                happening.referral.referral_id,
            )
        due.extend(told)
    for happening in late:
        told = domain.notices(happening, duties)
        due.extend(notice for notice in told if notice.coordinator_id in newcomers[notice.agency_id])
    created = await storage.put(work.session, {work.ids.new(): notice for notice in due}, work.now)
    traces = {item.event.aggregate: item.trace for item in items if item.event is not None}
    await work.emit(*(_created(item, traces.get(f"referral:{item.referral_id}")) for item in created))
    await storage.wake(work.session, {item.coordinator_id for item in created})


async def _follow(session: AsyncSession, items: Iterable[Item]) -> list[Happening]:
    moves = [
        (item.event, item.event.data)
        for item in items
        if item.event is not None and isinstance(item.event.data, ReferralFacts)
    ]
    standings: dict[str, Standing] = {}
    for event, data in moves:
        standings[data.referral_id] = domain.standing_after(standings.get(data.referral_id), event, data)
    senders = await storage.follow(session, list(standings.values()))
    known = {
        referral_id: replace(standing, sender_coordinator=senders[referral_id])
        for referral_id, standing in standings.items()
    }
    found = (domain.happening(event, data, known[data.referral_id]) for event, data in moves)
    return [happening for happening in found if happening is not None]


def _newcomers(items: Iterable[Item]) -> Mapping[str, Collection[str]]:
    newcomers: dict[str, set[str]] = {}
    for item in items:
        if item.event is not None and isinstance(item.event.data, AppointmentGranted):
            granted = item.event.data
            newcomers.setdefault(granted.agency_id, set()).add(granted.coordinator_id)
    return newcomers


async def _duties(session: AsyncSession, agencies: Collection[str]) -> list[Duty]:
    if not agencies:
        return []
    return [
        Duty(found.agency_id, found.coordinator_id, found.valid_from, found.ends)
        for found in await membership.appointments_at(session, agencies)
    ]


def _created(item: InboxItem, trace: str | None) -> Emission:
    return Emission(
        aggregate=f"notification:{item.notification_id}",
        data=NotificationCreated(
            notification_id=item.notification_id,
            coordinator_id=item.coordinator_id,
            agency_id=item.agency_id,
            referral_id=item.referral_id,
            referral_version=item.referral_version,
            message=item.message,
            parameters={"referral_id": item.referral_id, "area": item.area, "urgency": item.urgency},
        ),
        actor=_NOTIFY,
        cause=Cause(f"referral:{item.referral_id}", item.referral_version),
        trace=trace,
    )


async def reader(session: AsyncSession, coordinator_id: str, agency_id: str | None, at: datetime) -> Reader:
    """Who reads, and for which agencies: those of their valid appointments, or the one that vouches for them.

    Refuses with `appointment_not_valid` when there is none.
    """
    held = await membership.appointments_of(session, coordinator_id, at)
    appointments = {found.agency_id: found.appointment_id for found in held if agency_id in (None, found.agency_id)}
    if not appointments:
        raise Refusal(RefusalCode.APPOINTMENT_NOT_VALID)
    return Reader(coordinator_id, appointments)


async def acknowledge(work: Work, who: Reader, notification_id: str) -> InboxItem:
    """Note that a coordinator has seen an item of theirs; doing so again changes nothing.

    Refuses with `not_found` what is not in their inbox, whether or not it is in another's.
    """
    found = await storage.acknowledge(work.session, notification_id, who.coordinator_id, who.agencies, work.now)
    if found is None:
        raise Refusal(RefusalCode.NOT_FOUND)
    item, newly = found
    if newly:
        await work.emit(
            Emission(
                aggregate=f"notification:{notification_id}",
                data=NotificationAcknowledged(notification_id=notification_id, coordinator_id=who.coordinator_id),
                actor=Actor.coordinator(who.coordinator_id),
                appointment=who.appointments[item.agency_id],
            )
        )
    return item
