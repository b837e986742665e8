"""What of a batch may take effect now: nothing twice, nothing before its cause, nothing past a parked message."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import sqlalchemy as sa
from aiokafka import TopicPartition
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.parking import Lane, Parking, blocked_lanes, lane_of
from services.eventing.positions import MOVE, PositionLost, Positions
from services.eventing.records import Item, Record, Undecodable, digest_of
from services.eventing.statements import Statement
from services.eventing.work import Work
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause, Event
from tsunagu_contracts.topics import topic_of_aggregate

# What is read stands in the snapshot from before the move; a member that waited for another's move is lost anyway.
_KNOWN = """
    SELECT 'parked' AS what, NULL AS aggregate, CAST(count(*) AS int) AS number, NULL AS digest FROM parked
    WHERE blocks AND (topic, key) IN (SELECT * FROM unnest(CAST(:lane_topics AS text[]), CAST(:lane_keys AS text[])))
    UNION ALL
    SELECT 'seen', aggregate, version, digest FROM seen_versions WHERE aggregate = ANY(CAST(:aggregates AS text[]))
"""
_LOOK = Statement(_KNOWN)
_ADMIT = sa.text(
    f"WITH moved AS ({MOVE}) {_KNOWN} "  # noqa: S608 - put together from constants
    "UNION ALL SELECT 'moved', NULL, CAST(count(*) AS int), NULL FROM moved"
)
_FIRST_SEEN = Statement("""
    INSERT INTO seen_versions (aggregate, version, digest)
    SELECT * FROM unnest(CAST(:aggregates AS text[]), CAST(:versions AS int[]), CAST(:digests AS text[]))
""")
_SEEN_AGAIN = Statement("""
    UPDATE seen_versions SET version = said.version, digest = said.digest
    FROM unnest(
        CAST(:aggregates AS text[]), CAST(:befores AS int[]), CAST(:versions AS int[]), CAST(:digests AS text[])
    ) AS said (aggregate, before, version, digest)
    WHERE seen_versions.aggregate = said.aggregate AND seen_versions.version = said.before
    RETURNING 1
""")
_SEEN = sa.text("SELECT aggregate, version, digest FROM seen_versions WHERE aggregate = ANY(:aggregates)")
_SAVE = sa.text("""
    INSERT INTO seen_versions (aggregate, version, digest)
    SELECT * FROM unnest(CAST(:aggregates AS text[]), CAST(:versions AS int[]), CAST(:digests AS text[]))
    ON CONFLICT (aggregate) DO UPDATE SET version = excluded.version, digest = excluded.digest
""")


@dataclass(frozen=True, slots=True)
class Seen:
    """The last version of an aggregate that took effect here, and the digest of that event."""

    version: int
    digest: str


@dataclass(slots=True)
class Admission:
    """Judges messages one after the other against what has been seen; pure, filled from one query before.

    `heeded` are the topics that this service reads: only causes that stand on them are waited for. `before` has
    the version that had been seen before of each aggregate of which something has taken effect.
    """

    seen: dict[str, Seen]
    blocked: set[Lane]
    heeded: frozenset[str]
    before: dict[str, int] = field(default_factory=dict)

    @property
    def changed(self) -> AbstractSet[str]:
        """The aggregates of which something has taken effect."""
        return self.before.keys()

    def judge(self, item: Item) -> Parking | bool:
        """True: let it take effect; False: it already did; a `Parking`: it must wait."""
        lane = lane_of(item.record)
        if lane in self.blocked:
            return Parking(item.record, RefusalCode.BEHIND_PARKED)
        if item.event is None:
            return True
        verdict = self._judge_event(item.record, item.event)
        if isinstance(verdict, Parking):
            self.blocked.add(lane)
        return verdict

    def _judge_event(self, record: Record, event: Event) -> Parking | bool:
        last = self.seen.get(event.aggregate)
        version = last.version if last else 0
        if event.version <= version:
            return False
        if event.version > version + 1:
            return Parking(record, RefusalCode.VERSION_GAP, f"seen={version} came={event.version}")
        if event.previous != (last.digest if last else None):
            return Parking(record, RefusalCode.PREVIOUS_MISMATCH, f"version={event.version}")
        cause = Cause.parse(event.cause) if event.cause else None
        if cause is not None and not self._has_seen(cause):
            return Parking(record, RefusalCode.CAUSE_NOT_SEEN, str(cause), cause=cause)
        return True

    def _has_seen(self, cause: Cause) -> bool:
        topic = topic_of_aggregate(cause.aggregate)
        if topic is None or topic.name not in self.heeded:
            return True
        last = self.seen.get(cause.aggregate)
        return last is not None and last.version >= cause.version

    def took_effect(self, item: Item) -> None:
        """Note that a message has taken effect."""
        if item.event is not None:
            aggregate = item.event.aggregate
            last = self.seen.get(aggregate)
            self.before.setdefault(aggregate, last.version if last else 0)
            self.seen[aggregate] = Seen(item.event.version, digest_of(item.record))

    def block(self, item: Item) -> None:
        """Note that a message was parked, so that later ones of its lane wait."""
        self.blocked.add(lane_of(item.record))


async def look(work: Work, items: Sequence[Item], heeded: frozenset[str]) -> Admission | None:
    """Learn what judging these messages needs, with nothing locked; None where something is parked in their lanes."""
    lanes = {lane_of(item.record) for item in items}
    rows = await work.fetch(_LOOK, _asked(lanes, aggregates_of(items)))
    seen: dict[str, Seen] = {}
    for what, aggregate, number, digest in rows:
        if what == "seen":
            seen[aggregate] = Seen(number, digest)
        elif number:
            return None
    return Admission(seen, set(), heeded)


def keep_later(work: Work, judge: Admission) -> None:
    """Write later what has newly been seen, provided that nobody else has moved it."""
    first = sorted(name for name, version in judge.before.items() if version == 0)
    again = sorted(name for name, version in judge.before.items() if version > 0)
    if first:
        work.later(_FIRST_SEEN, _columns(judge, first))
    if again:
        work.later(_SEEN_AGAIN, _columns(judge, again), touches=len(again))


def _columns(judge: Admission, names: Sequence[str]) -> dict[str, object]:
    return {
        "aggregates": names,
        "befores": [judge.before[name] for name in names],
        "versions": [judge.seen[name].version for name in names],
        "digests": [judge.seen[name].digest for name in names],
    }


def _asked(lanes: Collection[Lane], aggregates: Collection[str]) -> dict[str, object]:
    return {
        "lane_topics": [topic for topic, _ in lanes],
        "lane_keys": [key for _, key in lanes],
        "aggregates": list(aggregates),
    }


async def admit(
    session: AsyncSession,
    positions: Positions,
    nexts: Mapping[TopicPartition, int],
    items: Sequence[Item],
    heeded: frozenset[str],
) -> Admission:
    """Move the positions and learn what judging these messages needs, in one statement; raises `PositionLost`."""
    lanes = {lane_of(item.record) for item in items}
    aggregates = aggregates_of(items)
    rows = await session.execute(_ADMIT, {**positions.parameters(nexts), **_asked(lanes, aggregates)})
    seen: dict[str, Seen] = {}
    counts: dict[str, int] = {}
    for row in rows:
        if row.what == "seen":
            seen[row.aggregate] = Seen(row.number, row.digest)
        else:
            counts[row.what] = row.number
    if counts["moved"] != len(nexts):
        raise PositionLost
    if not counts["parked"]:
        return Admission(seen, set(), heeded)
    # Perhaps just being replayed: wait for that, and only then look at what has been seen.
    blocked = await blocked_lanes(session, lanes)
    return Admission(await load_seen(session, aggregates), blocked, heeded)


def aggregates_of(items: Iterable[Item]) -> set[str]:
    """Every aggregate that judging these messages asks about."""
    wanted: set[str] = set()
    for item in items:
        if item.event is not None:
            wanted.add(item.event.aggregate)
            if item.event.cause is not None:
                wanted.add(Cause.parse(item.event.cause).aggregate)
    return wanted


async def load_seen(session: AsyncSession, aggregates: Collection[str]) -> dict[str, Seen]:
    """What has been seen of these aggregates."""
    if not aggregates:
        return {}
    rows = await session.execute(_SEEN, {"aggregates": list(aggregates)})
    return {row.aggregate: Seen(row.version, row.digest) for row in rows}


async def save_seen(session: AsyncSession, seen: Mapping[str, Seen], changed: Collection[str]) -> None:
    """Keep what has newly been seen."""
    if changed:
        names = sorted(changed)
        await session.execute(
            _SAVE,
            {
                "aggregates": names,
                "versions": [seen[name].version for name in names],
                "digests": [seen[name].digest for name in names],
            },
        )


def split(decoded: Sequence[Item | Undecodable]) -> tuple[list[Item], list[Parking]]:
    """Separate what was understood from what was not; the latter is parked alone and blocks nobody."""
    items = [one for one in decoded if isinstance(one, Item)]
    alone = [Parking(one.record, one.code, one.detail, blocks=False) for one in decoded if isinstance(one, Undecodable)]
    return items, alone
