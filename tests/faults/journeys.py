"""What is to become of a referral: who sends it to whom, what the desk does with it, who is told."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from tests.e2e.agencies import CLINIC, CLINIC_WORKER, DESK, DESK_WORKER, ON_DUTY_AT_DESK
from tsunagu_agency import ActingCoordinator
from tsunagu_contracts.codes import Area, ReferralAct

ACTS = {
    ReferralAct.ACCEPT: "referral.accepted.v1",
    ReferralAct.START: "referral.started.v1",
    ReferralAct.COMPLETE: "referral.completed.v1",
}
"""What a desk does from the first version after the delivery on, each act expecting the one before it."""

_TOLD_TO_SENDER = {ReferralAct.ACCEPT: "referral_accepted", ReferralAct.COMPLETE: "referral_completed"}


@dataclass(frozen=True, slots=True)
class Route:
    """From one agency's coordinator to a desk, and who is on duty there; `lead` is who takes referrals up."""

    sender: str
    by: ActingCoordinator
    addressee: str
    area: Area
    lead: ActingCoordinator
    on_duty: tuple[str, ...]


CHIYODA = Route(CLINIC, CLINIC_WORKER, DESK, Area.MANSEIBASHI, DESK_WORKER, ON_DUTY_AT_DESK)
MINATO = Route(
    "minato-clinic-a",
    ActingCoordinator(coordinator_id="c-0050", appointment_id="ap-0050"),
    "minato-desk-shiba",
    Area.SHIBA,
    ActingCoordinator(coordinator_id="c-0040", appointment_id="ap-0040"),
    ("c-0040", "c-0041"),
)


class Told(NamedTuple):
    """That a coordinator is told of a version of a referral."""

    referral_id: str
    version: int
    coordinator_id: str
    message: str


@dataclass(frozen=True, slots=True)
class Journey:
    """What is to become of one referral: delivered, and acted on by the desk or not."""

    referral_id: str
    route: Route
    acts: bool = False

    @property
    def types(self) -> list[str]:
        """The types of its events, from version 1 on."""
        return ["referral.submitted.v1", "referral.delivered.v1", *(ACTS.values() if self.acts else ())]

    @property
    def state(self) -> str:
        """Where it stands at the end."""
        return "completed" if self.acts else "delivered"

    @property
    def told(self) -> Collection[Told]:
        """Whom `notify` tells, each once."""
        told = [Told(self.referral_id, 2, coordinator, "referral_waits") for coordinator in self.route.on_duty]
        for version, act in enumerate(ACTS, start=3):
            if self.acts and act in _TOLD_TO_SENDER:
                told.append(Told(self.referral_id, version, self.route.by.coordinator_id, _TOLD_TO_SENDER[act]))
        return told

    @property
    def heard(self) -> dict[str, range]:
        """The versions that each agency finds on its inbound topic: the addressee from the delivery on."""
        end = len(self.types) + 1
        return {self.route.sender: range(1, end), self.route.addressee: range(2, end)}
