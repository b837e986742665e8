"""Reading topics back from their beginning, outside of any group and without a position that is kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.eventing.broker import KafkaAccess
from services.eventing.ends import Reach
from services.eventing.records import Record

_AT_ONCE = 500
_POLL_MILLISECONDS = 1_000
_REQUEST_MILLISECONDS = 10_000


class TopicLog:
    """What stands on Kafka; raises what Kafka's client raises where it does not answer."""

    def __init__(self, access: KafkaAccess, client_id: str) -> None:
        self._access = access
        self._client_id = client_id

    async def tail(self, topic: str, count: int) -> list[Record]:
        """The last records of each partition of a topic, so many of each at most."""
        async with self._reader(topic) as (client, reaches):
            for partition, reach in reaches.items():
                client.seek(partition, max(reach.begin, reach.end - count))
            return [record async for records in _until(client, reaches) for record in records]

    async def read(self, topic: str) -> AsyncIterator[list[Record]]:
        """Everything that a topic holds by now, some records at a time, each partition in its order."""
        async with self._reader(topic) as (client, reaches):
            for partition, reach in reaches.items():
                client.seek(partition, reach.begin)
            async for records in _until(client, reaches):
                yield records

    @asynccontextmanager
    async def _reader(self, topic: str) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, Reach]]]:
        """A client that has every partition which holds something, and how far each of them reaches."""
        client = AIOKafkaConsumer(
            bootstrap_servers=self._access.bootstrap,
            client_id=self._client_id,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=self._access.username,
            sasl_plain_password=self._access.password,
            enable_auto_commit=False,
            request_timeout_ms=_REQUEST_MILLISECONDS,
        )
        try:
            await client.start()
            await client.topics()
            # Asked for offsets of a topic that it does not know yet, the client takes a tenth of a second for each.
            await client._client.set_topics([topic])
            partitions = [TopicPartition(topic, number) for number in client.partitions_for_topic(topic) or ()]
            begins, ends = await client.beginning_offsets(partitions), await client.end_offsets(partitions)
            reaches = {each: Reach(begins[each], ends[each]) for each in partitions if ends[each] > begins[each]}
            client.assign(list(reaches))
            yield client, reaches
        finally:
            await client.stop()


async def _until(client: AIOKafkaConsumer, reaches: dict[TopicPartition, Reach]) -> AsyncIterator[list[Record]]:
    """What comes from the client until every partition has come to its end."""
    missing = set(reaches)
    while missing:
        fetched = await client.getmany(timeout_ms=_POLL_MILLISECONDS, max_records=_AT_ONCE)
        records = [Record.of(message) for messages in fetched.values() for message in messages]
        if records:
            yield records
        missing = {partition for partition in missing if await client.position(partition) < reaches[partition].end}
