"""The cells of the matrix: a bad message among sound ones, and what must have become of each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.audit.domain.chain import FindingKind
from tests.builders.agency_messages import SendingAgency
from tests.builders.referral_bench import CLINIC, NPO, Bench
from tests.service.bad_input.agency_kinds import AGENCY_KINDS, Scene
from tests.service.bad_input.event_kinds import kinds_on
from tests.service.bad_input.fates import Draft, Fate, Kind, Place
from tests.service.bad_input.lanes import Lane
from tests.service.bad_input.observing import Kept, Observed, Parked, Placed
from tests.service.bad_input.stations import reads_agencies
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.manifests import SubmitReferral
from tsunagu_contracts.topics import (
    SERVICES,
    agency_inbound,
    agency_of_outbound,
    agency_outbound,
    consumed_by,
)

AGENCIES = "agency.<id>.outbound"
"""The topics of agencies, as one column of the matrix."""


@dataclass(frozen=True)
class Name:
    """Which cell: the consumer, the topic that it reads, and the kind of what stands there."""

    service: str
    topic: str
    kind: str

    def __str__(self) -> str:
        return f"{self.service}, {self.topic}, {self.kind}"


def cell_names() -> list[Name]:
    """Every consumer of every topic, with every kind that can stand there; from the catalogue."""
    services = [
        Name(service, topic.name, kind.name)
        for service in SERVICES
        for topic in consumed_by(service)
        for kind in kinds_on(topic.name)
    ]
    agencies = [
        Name(service, AGENCIES, kind.name) for service in SERVICES if reads_agencies(service) for kind in AGENCY_KINDS
    ]
    return services + agencies


class Cell(Protocol):
    """A bad message among sound ones, for every consumer of its topic."""

    @property
    def drafts(self) -> Sequence[Draft]:
        """All of them, in the order of Kafka."""
        ...

    def check(self, service: str, placed: Sequence[Placed], observed: Observed) -> None:
        """Fail where anything is not where it must be."""
        ...


@dataclass(frozen=True)
class EventCell:
    """A bad event in a lane between sound ones, and sound ones of another lane around all of them."""

    kind: Kind[Lane]
    lane: Lane
    other: Lane
    drafts: Sequence[Draft]

    @classmethod
    def of(cls, kind: Kind[Lane], lane: Lane, other: Lane) -> "EventCell":
        """Write the events."""
        drafts = [other.say(), lane.say()]
        bad = kind.spoil(lane.draft(), lane)
        drafts.append(lane.said(bad) if kind.is_of_its_lane else bad)
        drafts += [lane.say(), other.say()]
        return cls(kind, lane, other, drafts)

    def check(self, service: str, placed: Sequence[Placed], observed: Observed) -> None:
        """Fail where anything is not where it must be."""
        _, _, bad, after, _ = placed
        for each in placed:
            assert observed.positions[each.partition] > each.offset
        assert self._versions(self.other, observed) == 2, "a neighbour in another lane did not take effect"
        fate = self.kind.at(service)
        if service == "audit":
            self._check_log(fate, placed, observed)
            return
        expected = {}
        if fate.place in (Place.ALONE, Place.LANE):
            assert fate.code is not None
            expected[bad.spot] = Parked(fate.code.value, fate.place is Place.LANE)
        if fate.place is Place.LANE:
            expected[after.spot] = Parked(RefusalCode.BEHIND_PARKED.value, blocks=True)
        assert {each.spot: observed.parked[each.spot] for each in placed if each.spot in observed.parked} == expected
        took = {Place.LANE: 1, Place.TAKEN: 3}.get(fate.place, 2)
        assert self._versions(self.lane, observed) == took
        assert observed.seen[self.lane.aggregate] == took
        assert observed.seen[self.other.aggregate] == 2

    def _versions(self, lane: Lane, observed: Observed) -> int:
        return observed.effects[lane.topic.name].get(lane.ident, 0)

    def _check_log(self, fate: Fate, placed: Sequence[Placed], observed: Observed) -> None:
        """Everything is in the log byte for byte, and only the bad one has a finding, if it has."""
        for each in placed:
            assert observed.kept[each.spot] == Kept(each.draft.key, each.draft.value, each.draft.headers)
        noted = {each.spot: observed.findings[each.spot] for each in placed if each.spot in observed.findings}
        bad = placed[2]
        if fate.place is Place.KEPT:
            assert noted == {}
            return
        assert list(noted) == [bad.spot]
        [(kind, code)] = noted[bad.spot]
        assert kind == fate.finding
        if kind == FindingKind.UNDECODABLE:
            assert code == fate.code
        assert self._versions(self.lane, observed) == self.lane.version


@dataclass(frozen=True)
class AgencyCell:
    """A bad message of the clinic between sound ones under the same key, and one of another agency."""

    kind: Kind[Scene]
    sound: Sequence[str]
    spoilt: str
    drafts: Sequence[Draft]

    @classmethod
    def of(cls, bench: Bench, kind: Kind[Scene]) -> "AgencyCell":
        """Write the messages."""
        (before, first), (bad, raw), (after, second) = (bench.submission() for _ in range(3))
        handle = bench.consent.handle_for(NPO.id)
        sealed = NPO.seal(handle)
        beside = NPO.submission(handle, sealed, bench.consent.encryption.public)
        sound = (before, beside, after)
        drafts = [
            _draft(CLINIC, before, first),
            _draft(NPO, before, NPO.message(beside, sealed).to_bytes()),
            kind.spoil(_draft(CLINIC, before, raw), Scene(bench, before, first)),
            _draft(CLINIC, before, second),
        ]
        return cls(kind, [each.data.referral_id for each in sound], bad.data.referral_id, drafts)

    def check(self, service: str, placed: Sequence[Placed], observed: Observed) -> None:
        """Fail where anything is not where it must be."""
        for each in placed:
            assert observed.positions[each.partition] > each.offset
            assert each.spot not in observed.parked
        assert observed.referrals.issuperset(self.sound)
        bad = placed[2]
        sender = agency_of_outbound(bad.draft.topic)
        assert sender is not None
        answers = [data.code for data in observed.refusals.get(bad.spot, [])]
        assert answers == ([self.kind.fate.code] if self.kind.fate.place is Place.REFUSED else [])
        assert [each.spot for each in placed if each.spot in observed.refusals] == [bad.spot] * len(answers)
        if self.kind.fate.place is Place.REFUSED:
            [refusal] = observed.refusals[bad.spot]
            assert (refusal.agency_id, refusal.digest) == (sender, digest(bad.draft.value or b""))
            assert observed.refused_to[bad.spot] == [(agency_inbound(sender), refusal)]
            assert self.spoilt not in observed.referrals
        elif self.kind.fate.place is Place.TAKEN:
            assert self.spoilt in observed.referrals
        else:
            first, *again = observed.told[self.sound[0]]
            assert again == [first]


def _draft(sender: SendingAgency, key: SubmitReferral, raw: bytes) -> Draft:
    return Draft(agency_outbound(sender.id), 0, key.data.referral_id.encode(), raw)
