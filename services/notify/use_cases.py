"""What notify does: tells coordinators when referrals move and what is to be done, and notes what they have seen."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.eventing.records import Item
from services.eventing.statements import Conflict
from services.eventing.work import Emission, Work
from services.membership import Members
from services.notify import domain, duties, storage
from services.notify.domain import Duty, Happening, Notice, Standing
from services.notify.storage import InboxItem
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode, Role
from tsunagu_contracts.envelope import Cause, Event
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


async def tell(work: Work, items: Sequence[Item], members: Members) -> None:
    """Tell whoever is to be told of these items; `members` are as the directory's events among them leave them.

    Someone whose appointment arrives after a delivery that it covers is told then: the two come over
    different topics, in either order.
    """
    happenings = await _follow(work, items)
    on_duty = _duties(members, {happening.told_agency for happening in happenings})
    due = [notice for happening in happenings for notice in _notices(happening, on_duty)]
    due += _tasks(items, members)
    # What was delivered in this very batch is found to be waiting too.
    due = list(dict.fromkeys([*due, *await _late(work, items, members)]))
    if work.locks:
        due = list(await storage.untold(work, due))
    new = {work.ids.new(): notice for notice in due}
    storage.put(work, new)
    traces = {_about(item.event): item.trace for item in items if item.event is not None}
    await work.emit(
        *(_created(each, notice, traces.get(notice.about or notice.referral_id)) for each, notice in new.items())
    )


def _tasks(items: Iterable[Item], members: Members) -> list[Notice]:
    found = [told for item in items if item.event is not None and (told := duties.task(item.event)) is not None]
    on_duty = _duties(members, {told.agency_id for told in found})
    notices: list[Notice] = []
    for told in found:
        meant = duties.notices(told, on_duty[told.agency_id])
        if not meant:
            _log.warning("nobody is on duty agency=%s referral=%s", told.agency_id, told.referral_id)
        notices += meant
    return notices


def _about(event: Event) -> str:
    """What a notice of this event says that it is about: a duty, or the referral whose event it is."""
    told = duties.task(event)
    return told.about if told is not None else event.aggregate.partition(":")[2]


async def _follow(work: Work, items: Iterable[Item]) -> list[Happening]:
    moves = [
        (item.event, item.event.data)
        for item in items
        if item.event is not None and isinstance(item.event.data, ReferralFacts)
    ]
    standings: dict[str, Standing] = {}
    for event, data in moves:
        standings[data.referral_id] = domain.standing_after(standings.get(data.referral_id), event, data)
    storage.follow(work, list(standings.values()))
    found = [
        happening
        for event, data in moves
        if (happening := domain.happening(event, data, standings[data.referral_id])) is not None
    ]
    unnamed = {each.referral.referral_id for each in found if each.asks_for_sender}
    senders = await storage.senders_of(work, unnamed)
    return [
        replace(each, referral=replace(each.referral, sender_coordinator=senders.get(each.referral.referral_id)))
        if each.asks_for_sender
        else each
        for each in found
    ]


def _notices(happening: Happening, on_duty: Mapping[str, Sequence[Duty]]) -> Sequence[Notice]:
    told = domain.notices(happening, on_duty[happening.told_agency])
    if not told:
        _log.warning("nobody is on duty agency=%s referral=%s", happening.told_agency, happening.referral.referral_id)
    return told


async def _late(work: Work, items: Iterable[Item], members: Members) -> list[Notice]:
    """What those are to be told of who are appointed in this batch, for deliveries that came before."""
    newcomers = _newcomers(items)
    if not newcomers:
        return []
    if not work.locks:
        # Only once members cannot be read as they were any more is certain what waits for the newcomer.
        raise Conflict
    await work.flush()
    waiting = await storage.waiting_at(work, newcomers.keys())
    late = [happening for referral in waiting if (happening := domain.delivery(referral)) is not None]
    on_duty = _duties(members, {happening.told_agency for happening in late})
    return [
        notice
        for happening in late
        for notice in domain.notices(happening, on_duty[happening.told_agency])
        if notice.coordinator_id in newcomers[notice.agency_id]
    ]


def _newcomers(items: Iterable[Item]) -> Mapping[str, Collection[str]]:
    newcomers: dict[str, set[str]] = {}
    for item in items:
        if item.event is not None and isinstance(item.event.data, AppointmentGranted):
            granted = item.event.data
            newcomers.setdefault(granted.agency_id, set()).add(granted.coordinator_id)
    return newcomers


def _duties(members: Members, agencies: Iterable[str]) -> Mapping[str, Sequence[Duty]]:
    return {
        agency_id: [
            Duty(
                found.agency_id,
                found.coordinator_id,
                found.valid_from,
                found.ends,
                supervises=found.role is Role.SUPERVISOR,
            )
            for found in members.appointments_at(agency_id)
        ]
        for agency_id in agencies
    }


def _created(notification_id: str, notice: Notice, trace: str | None) -> Emission:
    return Emission(
        aggregate=f"notification:{notification_id}",
        data=NotificationCreated(
            notification_id=notification_id,
            coordinator_id=notice.coordinator_id,
            agency_id=notice.agency_id,
            referral_id=notice.referral_id,
            referral_version=notice.referral_version,
            message=notice.message.value,
            parameters=domain.parameters(notice),
        ),
        actor=_NOTIFY,
        # The cause of what a person's record brought about would name that record.
        cause=Cause(f"referral:{notice.referral_id}", notice.referral_version) if notice.referral_version else None,
        trace=trace,
        begins=True,
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
