from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services import membership
from tests.builders.work import ServiceDatabase
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.codes import AgencyKind, Area, Field, Role, ServiceFamily
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.directory import (
    AgencyRegistered,
    AppointmentEnded,
    AppointmentGranted,
    MandateGranted,
)
from tsunagu_contracts.keys import EncryptionKey, SigningKey

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SIGNING, ENCRYPTION = SigningKey.generate().public, EncryptionKey.generate().public


def agency(agency_id: str, *, desk_for: Sequence[Area] = (), families: Sequence[ServiceFamily] = ()) -> EventData:
    """Make the data of agency.registered."""
    return AgencyRegistered(
        agency_id=agency_id,
        kind=AgencyKind.AREA_DESK,
        areas=(Area.MANSEIBASHI, Area.SHIBA),
        desk_for=tuple(desk_for),
        service_families=tuple(families),
        signing_key=SIGNING.jwk(),
        encryption_key=ENCRYPTION.jwk(),
    )


def granted(
    appointment_id: str, coordinator_id: str = "c-1", agency_id: str = "desk-a", *, days: int | None = None
) -> AppointmentGranted:
    """Make the data of appointment.granted, valid from ten days before NOW."""
    start = NOW - timedelta(days=10)
    return AppointmentGranted(
        appointment_id=appointment_id,
        coordinator_id=coordinator_id,
        agency_id=agency_id,
        role=Role.CSW,
        field=Field.COMMUNITY,
        areas=(Area.MANSEIBASHI,),
        valid_from=start,
        valid_until=None if days is None else start + timedelta(days=days),
        granted_by="operator:op-1",
    )


def ended(of: AppointmentGranted, at: datetime) -> EventData:
    """Make the data of appointment.ended."""
    return AppointmentEnded(
        appointment_id=of.appointment_id,
        coordinator_id=of.coordinator_id,
        agency_id=of.agency_id,
        ended_at=at,
    )


def mandate(mandate_id: str, *, days: int) -> EventData:
    """Make the data of mandate.granted, valid from ten days before NOW."""
    start = NOW - timedelta(days=10)
    return MandateGranted(
        mandate_id=mandate_id,
        auditor_id="au-1",
        agencies=("desk-a",),
        areas=(Area.MANSEIBASHI,),
        valid_from=start,
        valid_until=start + timedelta(days=days),
        reason="yearly_review",
        granted_by="operator:op-1",
    )


def events(*data: EventData) -> list[Event]:
    """Wrap data as the directory's events; the envelope plays no part in the projection."""
    return [
        Event(
            id=f"e-{number}",
            source="tsunagu/directory",
            type=each.TYPE,
            time=NOW,
            aggregate=f"any:{number}",
            version=1,
            previous=None,
            actor="system:directory",
            data=each,
        )
        for number, each in enumerate(data)
    ]


@pytest.fixture
def database(make_database: MakeDatabase) -> ServiceDatabase:
    """Make a consumer's database."""
    return ServiceDatabase(make_database("referral").url, "referral")


async def test_what_was_said_is_found(database: ServiceDatabase) -> None:
    """Agencies, keys, desks, appointments and mandates are found as the directory said them."""
    desk = agency("desk-a", desk_for=[Area.MANSEIBASHI], families=[ServiceFamily.DAILY_LIFE])
    async with database.work(NOW) as work:
        membership.apply(work, events(desk, agency("clinic-a"), granted("ap-1"), mandate("ma-1", days=99)))
    async with database.reading() as session:
        found = await membership.agency(session, "desk-a")
        assert found is not None
        assert found.kind is AgencyKind.AREA_DESK
        assert found.areas == {Area.MANSEIBASHI, Area.SHIBA}
        assert found.keys == (SIGNING, ENCRYPTION)
        assert (await membership.agency_keys(session, ["clinic-a", "no-such"])) == {"clinic-a": found.keys}
        assert await membership.agency(session, "no-such") is None
        assert await membership.desk_for(session, Area.MANSEIBASHI) == "desk-a"
        assert await membership.desk_for(session, Area.SHIBA) is None
        offering = await membership.agencies_offering(session, ServiceFamily.DAILY_LIFE, Area.SHIBA)
        assert [each.agency_id for each in offering] == ["desk-a"]
        assert await membership.agencies_offering(session, ServiceFamily.DAILY_LIFE, Area.AZABU) == []
        one = await membership.appointment(session, "ap-1")
        assert one is not None
        assert membership.appointment_refusal(one, "c-1", "desk-a", NOW) is None
        held = await membership.mandate(session, "ma-1")
        assert held is not None
        assert held.holds(NOW)
        assert await membership.mandate(session, "ma-2") is None


async def test_only_what_holds_at_the_time_is_on_duty(database: ServiceDatabase) -> None:
    """On duty are those whose appointment has begun and not run out or been ended."""
    left = granted("ap-3", "c-3")
    async with database.work(NOW) as work:
        membership.apply(
            work,
            events(
                granted("ap-1", "c-1"),
                granted("ap-2", "c-2", days=10),
                left,
                ended(left, NOW),
                granted("ap-4", "c-1", "clinic-a", days=11),
            ),
        )
    just_before = NOW - timedelta(microseconds=1)
    async with database.reading() as session:
        on_duty = await membership.on_duty(session, "desk-a", NOW)
        assert [each.coordinator_id for each in on_duty] == ["c-1"]
        earlier = await membership.on_duty(session, "desk-a", just_before)
        assert [each.coordinator_id for each in earlier] == ["c-1", "c-2", "c-3"]
        assert await membership.on_duty(session, "desk-a", NOW - timedelta(days=11)) == []
        of_one = await membership.appointments_of(session, "c-1", NOW)
        assert [each.appointment_id for each in of_one] == ["ap-1", "ap-4"]
        at_both = await membership.on_duty_at(session, ["desk-a", "clinic-a", "no-such"], NOW)
        assert {agency_id: len(each) for agency_id, each in at_both.items()} == {"desk-a": 1, "clinic-a": 1}
        every = await membership.appointments_at(session, ["desk-a"])
        assert [each.appointment_id for each in every] == ["ap-1", "ap-2", "ap-3"]


async def test_an_end_counts_in_a_later_batch_too(database: ServiceDatabase) -> None:
    """A grant that is applied again after its end does not bring the appointment back."""
    grant = granted("ap-1")
    for batch in (events(grant), events(ended(grant, NOW)), events(grant)):
        async with database.work(NOW) as work:
            membership.apply(work, batch)
    async with database.reading() as session:
        assert await membership.on_duty(session, "desk-a", NOW) == []
        one = await membership.appointment(session, "ap-1")
        assert one is not None
        assert one.ends == NOW


async def test_a_later_registration_replaces_an_earlier(database: ServiceDatabase) -> None:
    """Of one agency the last registration counts, in one batch and across batches."""
    async with database.work(NOW) as work:
        membership.apply(work, events(agency("desk-a"), agency("desk-a", desk_for=[Area.SHIBA])))
    async with database.reading() as session:
        assert await membership.desk_for(session, Area.SHIBA) == "desk-a"
    async with database.work(NOW) as work:
        membership.apply(work, events(agency("desk-a")))
    async with database.reading() as session:
        assert await membership.desk_for(session, Area.SHIBA) is None


async def test_mandates_are_found_while_they_hold(database: ServiceDatabase) -> None:
    """An auditor's mandates are those whose time it is."""
    async with database.work(NOW) as work:
        membership.apply(work, events(mandate("ma-1", days=10), mandate("ma-2", days=11)))
    async with database.reading() as session:
        assert [each.mandate_id for each in await membership.mandates_of(session, "au-1", NOW)] == ["ma-2"]
        assert await membership.mandates_of(session, "au-2", NOW) == []


async def test_an_empty_batch_does_nothing(database: ServiceDatabase) -> None:
    """Without events of the directory no statement is run and lookups find nothing."""
    async with database.work(NOW) as work:
        membership.apply(work, [])
    async with database.reading() as session:
        assert await membership.agencies(session, []) == {}
        assert await membership.desks(session, list(Area)) == {}
        assert await membership.on_duty_at(session, [], NOW) == {}
