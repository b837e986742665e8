"""Histories that each consumer's database writes of itself while a test looks: every step, as it commits.

A row's lock makes one order of the steps of one partition and of one aggregate, and that is the order recorded.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.network import EmbeddedNetwork
from deploy.provisioning.databases import connect
from tests.faults.histories import CONSUMING, rows

# A position's step begins where the consumer believed to be, not where the row was: who overwrites another's is seen.
_BEGIN = """
    CREATE TABLE recorded_steps (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text, partition int, aggregate text, before bigint NOT NULL, after bigint NOT NULL, digest text
    );
    CREATE FUNCTION record_position() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO recorded_steps (topic, partition, before, after)
        VALUES (NEW.topic, NEW.partition, greatest(NEW.previous_offset, 0), NEW.next_offset);
        RETURN NULL;
    END $$;
    CREATE FUNCTION record_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO recorded_steps (aggregate, before, after, digest)
        VALUES (NEW.aggregate, coalesce(OLD.version, 0), NEW.version, NEW.digest);
        RETURN NULL;
    END $$;
    CREATE TRIGGER recorded AFTER INSERT OR UPDATE ON consumed_positions
        FOR EACH ROW EXECUTE FUNCTION record_position();
    CREATE TRIGGER recorded AFTER INSERT OR UPDATE ON seen_versions
        FOR EACH ROW EXECUTE FUNCTION record_version();
    INSERT INTO recorded_steps (topic, partition, before, after)
        SELECT topic, partition, 0, next_offset FROM consumed_positions;
    INSERT INTO recorded_steps (aggregate, before, after, digest)
        SELECT aggregate, 0, version, digest FROM seen_versions;
"""
_END = """
    DROP TRIGGER IF EXISTS recorded ON consumed_positions;
    DROP TRIGGER IF EXISTS recorded ON seen_versions;
    DROP FUNCTION IF EXISTS record_position, record_version;
    DROP TABLE IF EXISTS recorded_steps;
"""


@dataclass(frozen=True, slots=True)
class Step:
    """From what to what a position or a version went in one transaction, and the digest of what was last taken."""

    before: int
    after: int
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """What one consumer recorded: steps of each partition's position and of each aggregate's version, in order."""

    positions: dict[tuple[str, int], list[Step]] = field(default_factory=lambda: defaultdict(list))
    versions: dict[str, list[Step]] = field(default_factory=lambda: defaultdict(list))


@asynccontextmanager
async def recording(network: EmbeddedNetwork) -> AsyncIterator[None]:
    """Let every consumer's database record its steps; what was there before counts as one first step."""
    await _everywhere(network, _END + _BEGIN)
    try:
        yield
    finally:
        await _everywhere(network, _END)


async def recorded(network: EmbeddedNetwork, service: str) -> Steps:
    """What a consumer has recorded until now."""
    query = "SELECT topic, partition, aggregate, before, after, digest FROM recorded_steps ORDER BY number"
    steps = Steps()
    for topic, partition, aggregate, before, after, digest in await rows(network, service, query):
        step = Step(int(str(before)), int(str(after)), None if digest is None else str(digest))
        if aggregate is None:
            steps.positions[str(topic), int(str(partition))].append(step)
        else:
            steps.versions[str(aggregate)].append(step)
    return steps


async def _everywhere(network: EmbeddedNetwork, statements: str) -> None:
    for service in CONSUMING:
        async with connect(network.database(service)) as connection, connection.transaction():
            await connection.execute(statements)
