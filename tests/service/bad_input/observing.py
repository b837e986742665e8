"""What can be seen of a service after a run: what it parked, refused, kept and found, and what took effect."""

import base64
import json
from collections import defaultdict
from dataclasses import dataclass

import sqlalchemy as sa
from aiokafka import ConsumerRecord, TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.storage.tables import findings, log_entries
from services.eventing.positions import all_positions
from services.eventing.records import Record
from services.eventing.schema import outbox, parked, seen_versions
from services.referral.storage.tables import referrals
from tests.service.bad_input.fates import Draft, Headers
from tests.service.bad_input.stations import EFFECTS, Station
from tsunagu_contracts.envelope import decode_event
from tsunagu_contracts.events.referral import MessageRefused
from tsunagu_contracts.inbound import InboundMessage

Spot = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True)
class Placed:
    """A message at its place in Kafka."""

    draft: Draft
    offset: int

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        return (self.draft.topic, self.draft.partition, self.offset)

    @property
    def partition(self) -> TopicPartition:
        """The partition that it stands in."""
        return TopicPartition(self.draft.topic, self.draft.partition)

    def record(self) -> Record:
        """The record that a consumer makes of it, as Kafka's client hands it over."""
        draft = self.draft
        return Record.of(
            ConsumerRecord(
                topic=draft.topic,
                partition=draft.partition,
                offset=self.offset,
                timestamp=0,
                timestamp_type=0,
                key=draft.key,
                value=draft.value,
                checksum=None,
                serialized_key_size=0,
                serialized_value_size=0,
                # A header may be null, whatever the client's annotations say.
                headers=[(n.decode(errors="surrogateescape"), v) for n, v in draft.headers],  # type: ignore[misc]
            )
        )


@dataclass(frozen=True)
class Parked:
    """Why a message is parked, and whether its lane waits behind it."""

    reason: str
    blocks: bool


@dataclass(frozen=True)
class Kept:
    """What the log of `audit` has of a message."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True)
class Told:
    """What an agency was told of a message of its own: on which topic, and the bytes."""

    topic: str
    value: bytes


@dataclass(frozen=True)
class Observed:
    """Everything that a cell may ask about, read at once.

    `effects` are by topic and aggregate's id how many versions left their mark in the service's own tables,
    `refusals` are on the record, `refused_to` the same as told to agencies, `told` by referral what else they were.
    """

    positions: dict[TopicPartition, int]
    parked: dict[Spot, Parked]
    seen: dict[str, int]
    effects: dict[str, dict[str, int]]
    kept: dict[Spot, Kept]
    findings: dict[Spot, list[tuple[str, str]]]
    refusals: dict[Spot, list[MessageRefused]]
    refused_to: dict[Spot, list[tuple[str, MessageRefused]]]
    told: dict[str, list[Told]]
    referrals: frozenset[str]


async def observe(station: Station) -> Observed:
    """Look at a service's database."""
    async with station.database.engine.connect() as connection:
        seen = await _rows(connection, sa.select(seen_versions))
        known = await _rows(connection, sa.select(referrals.c.referral_id)) if station.messages else []
        observed = Observed(
            positions=await all_positions(connection),
            parked={
                _spot(row): Parked(row["reason"], row["blocks"]) for row in await _rows(connection, sa.select(parked))
            },
            seen={row["aggregate"]: row["version"] for row in seen},
            effects={topic: await _effects(connection, station.service, topic) for topic in station.heeded},
            kept=await _log(connection) if station.raw else {},
            findings=await _findings(connection) if station.raw else {},
            refusals=defaultdict(list),
            refused_to=defaultdict(list),
            told=defaultdict(list),
            referrals=frozenset(row["referral_id"] for row in known),
        )
        for row in await _rows(connection, sa.select(outbox.c.topic, outbox.c.value).order_by(outbox.c.id)):
            _hear(observed, row["topic"], row["value"])
        return observed


def _hear(observed: Observed, topic: str, value: bytes) -> None:
    inbound = topic.startswith("agency.")
    data = (InboundMessage.parse(value).event if inbound else decode_event(value)).data
    if not isinstance(data, MessageRefused):
        if inbound:
            referral_id = getattr(data, "referral_id", "")
            observed.told[referral_id].append(Told(topic, value))
        return
    assert data.topic is not None
    assert data.partition is not None
    assert data.offset is not None
    spot = (data.topic, data.partition, data.offset)
    if inbound:
        observed.refused_to[spot].append((topic, data))
    else:
        observed.refusals[spot].append(data)


async def _effects(connection: AsyncConnection, service: str, topic: str) -> dict[str, int]:
    rows = await _rows(connection, sa.text(EFFECTS[service, topic]))
    return {row["ident"]: row["versions"] for row in rows}


async def _log(connection: AsyncConnection) -> dict[Spot, Kept]:
    return {
        _spot(row): Kept(row["key"], row["value"], _headers(row["headers"]))
        for row in await _rows(connection, sa.select(log_entries))
    }


async def _findings(connection: AsyncConnection) -> dict[Spot, list[tuple[str, str]]]:
    noted: dict[Spot, list[tuple[str, str]]] = defaultdict(list)
    for row in await _rows(connection, sa.select(findings)):
        noted[_spot(row)].append((row["kind"], row["code"]))
    return noted


def _headers(text: str) -> Headers:
    return tuple(
        (name.encode(errors="surrogateescape"), None if value is None else base64.b64decode(value))
        for name, value in json.loads(text)
    )


async def _rows(connection: AsyncConnection, query: sa.Executable) -> list[sa.RowMapping]:
    return list((await connection.execute(query)).mappings())


def _spot(row: sa.RowMapping) -> Spot:
    return (row["topic"], row["partition"], row["offset"])
