"""How far the topics of a consumer reach in Kafka, asked over a connection of its own."""

import asyncio
import re
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.eventing.broker import KafkaAccess

_LIMIT_SECONDS = 20.0
_CLOSE_LIMIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reach:
    """The first offset that Kafka still has of a partition, and the one that the next message will get."""

    begin: int
    end: int


class KafkaEnds:
    """Asks Kafka anew each time, because a connection that stays may be the one that is stuck."""

    def __init__(self, access: KafkaAccess, client_id: str, pattern: str) -> None:
        self._access = access
        self._client_id = client_id
        self._pattern = re.compile(pattern)

    async def ask(self) -> dict[TopicPartition, Reach]:
        """The reach of every partition; raises what Kafka's client raises, TimeoutError if Kafka does not answer."""
        client = AIOKafkaConsumer(
            bootstrap_servers=self._access.bootstrap,
            client_id=self._client_id,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=self._access.username,
            sasl_plain_password=self._access.password,
        )
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                await client.start()
                topics = [topic for topic in await client.topics() if self._pattern.match(topic)]
                # Asked for offsets of a topic that it does not know yet, the client takes a tenth of a second for each.
                await client._client.set_topics(topics)
                partitions = [
                    TopicPartition(topic, number)
                    for topic in topics
                    for number in client.partitions_for_topic(topic) or ()
                ]
                begins, ends = await client.beginning_offsets(partitions), await client.end_offsets(partitions)
                return {each: Reach(begins[each], ends[each]) for each in partitions}
        finally:
            await asyncio.wait_for(client.stop(), _CLOSE_LIMIT_SECONDS)
