"""The guards of the pipeline against the pitfalls of Kafka's clients, each with the test that must notice."""

from tests.mutants.guards import EVENTING, Mutant

_OUTBOX = f"{EVENTING}/test_outbox_pitfalls.py"
_CONSUMER = f"{EVENTING}/test_consumer_pitfalls.py"
_WATCHDOG = f"{EVENTING}/test_watchdog.py"
_COMPARING = "        WHERE consumed_positions.next_offset = excluded.previous_offset\n"

_AT_ONCE = """                admitted = items if self._raw else await self._admitted_at_once(work, items)
                if admitted is None:
                    return False
                if admitted:
                    await self._handler(work, admitted)
                positions.move_later(work, nexts)
"""
_POSITIONS_FIRST = """                async with self._database.batch() as before:
                    positions.move_later(before, nexts)
                admitted = items if self._raw else await self._admitted_at_once(work, items)
                if admitted is None:
                    return False
                if admitted:
                    await self._handler(work, admitted)
"""

PIPELINE = (
    # What is kept together.
    Mutant(
        "rows marked before acknowledgement",
        "services/eventing/publishing.py",
        """        await self._producer.send(rows)
        self._unmarked += [row.id for row in rows]
        self._acknowledged.set()
""",
        """        self._unmarked += [row.id for row in rows]
        self._acknowledged.set()
        await self._producer.send(rows)
""",
        (f"{EVENTING}/test_publishing.py",),
    ),
    Mutant(
        "position outside the transaction",
        "services/eventing/processing.py",
        _AT_ONCE,
        _POSITIONS_FIRST,
        (f"{EVENTING}/test_processing.py",),
    ),
    Mutant(
        "what a batch rests on is not checked when it is written",
        "services/eventing/statements.py",
        """    held = " AND ".join(conditions) or "true"\n""",
        """    held = "true"\n""",
        (f"{EVENTING}/test_work.py",),
    ),
    Mutant(
        "position moved without comparing",
        "services/eventing/positions.py",
        "        WHERE consumed_positions.next_offset = excluded.previous_offset\n",
        "",
        (f"{EVENTING}/test_processing.py",),
    ),
    Mutant(
        "an event said again takes effect again",
        "services/eventing/admission.py",
        "        if event.version <= version:\n            return False\n",
        "        if event.version <= version:\n            return True\n",
        (f"{EVENTING}/test_processing.py",),
    ),
    Mutant(
        "memory overtakes an unpublished row",
        "services/eventing/publishing.py",
        "            if all(earlier in self._waiting or earlier in self._passed_set for earlier in row.waits_for):\n",
        "            if True:\n",
        (f"{EVENTING}/test_publishing.py",),
    ),
    Mutant(
        "nothing is kept in the outbox",
        "services/eventing/publishing.py",
        "            if lane in held or row.id in self._waiting:\n",
        "            if True:\n",
        (f"{EVENTING}/test_publishing.py",),
    ),
    Mutant(
        "consuming from the latest offset",
        "services/eventing/connection.py",
        'auto_offset_reset="earliest"',
        'auto_offset_reset="latest"',
        (f"{EVENTING}/test_consumer.py",),
    ),
    Mutant(
        "later events pass a parked one",
        "services/eventing/admission.py",
        "        if lane in self.blocked:\n",
        "        if False:\n",
        (f"{EVENTING}/test_processing.py",),
    ),
    Mutant(
        "a cause is not waited for",
        "services/eventing/admission.py",
        "        if cause is not None and not self._has_seen(cause):\n",
        "        if False:\n",
        (f"{EVENTING}/test_processing.py",),
    ),
    Mutant(
        "a rewritten past is not noticed",
        "services/eventing/admission.py",
        "        if event.previous != (last.digest if last else None):\n",
        "        if False:\n",
        (f"{EVENTING}/test_processing.py",),
    ),
    Mutant(
        "a gap is not noticed",
        "services/eventing/admission.py",
        "        if event.version > version + 1:\n",
        "        if False:\n",
        (f"{EVENTING}/test_processing.py",),
    ),
    Mutant(
        "a failing item takes its neighbours with it",
        "services/eventing/processing.py",
        "            return await self._attempt(items, alone, nexts, positions, isolating=True)\n",
        "            raise\n",
        (f"{EVENTING}/test_processing.py",),
    ),
    # What is taken for an event.
    Mutant(
        "a zero byte counts as text",
        "services/eventing/records.py",
        '    if raw is None or b"\\0" in raw:\n',
        "    if raw is None:\n",
        ("tests/unit/eventing/test_records.py",),
    ),
    Mutant(
        "an event counts on any topic",
        "services/eventing/records.py",
        "else _misplaced(record.topic, event)\n",
        "else None\n",
        ("tests/unit/eventing/test_records.py",),
    ),
    # What is said.
    Mutant(
        "sent without acknowledgement",
        "services/eventing/broker.py",
        '            acks="all",\n            enable_idempotence=True,\n',
        "            acks=0,\n            enable_idempotence=False,\n",
        (f"{_OUTBOX}::test_nothing_counts_as_sent_that_kafka_has_not_acknowledged",),
    ),
    Mutant(
        "a stuck producer is kept",
        "services/eventing/broker.py",
        "            except BaseException:\n                await self._discard()\n                raise\n",
        "            except BaseException:\n                raise\n",
        (f"{_OUTBOX}::test_a_producer_that_is_out_of_sequence_is_made_anew",),
    ),
    Mutant(
        "a send has no bound",
        "services/eventing/broker.py",
        "                async with asyncio.timeout(seconds):\n",
        "                async with asyncio.timeout(None):\n",
        (f"{_OUTBOX}::test_a_producer_that_is_not_answered_gives_up_and_another_sends",),
    ),
    Mutant(
        "the trace ends at the outbox",
        "services/eventing/broker.py",
        'headers=[("traceparent", message.traceparent.encode())] if message.traceparent else [],',
        "headers=[],",
        (
            f"{_OUTBOX}::test_the_trace_goes_with_the_message",
            f"{_CONSUMER}::test_the_trace_reaches_what_a_handler_says",
        ),
    ),
    Mutant(
        "the relay skips what commits late",
        "services/eventing/outbox.py",
        "    WHERE published_at IS NULL AND created_at < clock_timestamp()",
        "    WHERE id > (SELECT coalesce(max(id), 0) FROM outbox WHERE published_at IS NOT NULL)\n"
        "    AND published_at IS NULL AND created_at < clock_timestamp()",
        (f"{_OUTBOX}::test_a_row_that_commits_late_is_not_skipped",),
    ),
    Mutant(
        "the relay overtakes memory",
        "services/eventing/publishing.py",
        "            if lane in held or row.id in self._waiting:\n",
        "            if row.id in self._waiting:\n",
        (f"{_OUTBOX}::test_the_relay_does_not_overtake_a_row_that_memory_still_holds",),
    ),
    Mutant(
        "a replica overtakes what another left behind",
        "services/eventing/publishing.py",
        "            if all(earlier in self._waiting or earlier in self._passed_set for earlier in row.waits_for):\n",
        "            if True:\n",
        (f"{_OUTBOX}::test_two_replicas_publish_side_by_side_in_order_and_lose_nothing",),
    ),
    Mutant(
        "one message that Kafka does not take keeps all others",
        "services/eventing/sending.py",
        "            except (*_OF_THE_MESSAGE, *_OF_THE_TOPIC):\n",
        "            except ZeroDivisionError:\n",
        (f"{_OUTBOX}::test_what_kafka_does_not_take_holds_back_nothing_else",),
    ),
    # What is heard.
    Mutant(
        "a poison message is tried for ever",
        "services/eventing/processing.py",
        "            return await self._attempt(items, alone, nexts, positions, isolating=True)\n",
        "            raise\n",
        (f"{_CONSUMER}::test_a_poison_message_is_delivered_a_bounded_number_of_times_and_starves_nobody",),
    ),
    Mutant(
        "a poison message that looks like an outage is tried for ever",
        "services/eventing/repeating.py",
        "                if tries < TRIES_TOGETHER or self._raw:\n",
        "                if True:\n",
        (f"{_CONSUMER}::test_a_lone_poison_message_is_known_by_what_comes_behind_it",),
    ),
    Mutant(
        "an outage parks everything",
        "services/eventing/repeating.py",
        " or not await self._another_would_succeed(connection, record, records[number:]):",
        ":",
        (f"{_CONSUMER}::test_while_nothing_can_take_effect_nothing_is_parked",),
    ),
    Mutant(
        "a batch is withheld for one bad record",
        "services/eventing/connection.py",
        "            parser=_parse,\n            decoder=_decode,\n",
        "",
        (f"{EVENTING}/test_consumer.py::test_headers_that_are_not_text_do_not_stop_a_consumer",),
    ),
    Mutant(
        "what a dying member had in hand is lost",
        "services/eventing/processing.py",
        _AT_ONCE,
        _POSITIONS_FIRST,
        (f"{_CONSUMER}::test_what_a_dying_member_had_in_hand_takes_effect_elsewhere",),
    ),
    Mutant(
        "a batch that lost a partition is dropped",
        "services/eventing/repeating.py",
        "                await connection.assign({TopicPartition(m.topic, m.partition) for m in batch})\n",
        "",
        (f"{_CONSUMER}::test_a_batch_that_lost_one_partition_loses_nothing_of_the_others",),
    ),
    Mutant(
        "positions cover what was not taken",
        "services/eventing/connection.py",
        "            if partition not in nexts and message.offset > expected",
        "            if False",
        (f"{_CONSUMER}::test_a_client_that_runs_ahead_is_called_back",),
    ),
    Mutant(
        "a rebalance in the middle of a batch has it twice",
        "services/eventing/positions.py",
        _COMPARING,
        "",
        (f"{EVENTING}/test_consumer.py::test_a_second_member_takes_over_without_repeating",),
    ),
    Mutant(
        "a handler that takes too long has its effect twice",
        "services/eventing/positions.py",
        _COMPARING,
        "",
        (f"{_CONSUMER}::test_a_handler_that_takes_longer_than_kafka_waits_has_its_effect_once",),
    ),
    Mutant(
        "new topics are found after minutes",
        "services/eventing/broker.py",
        "        metadata_max_age_ms=3_000,\n",
        "        metadata_max_age_ms=300_000,\n",
        (f"{_CONSUMER}::test_a_new_topic_is_found_within_seconds",),
    ),
    # Who watches.
    Mutant(
        "a hanging consumer is left alone",
        "services/eventing/consumer.py",
        "                    if await self._watchdog.look(",
        "                    if False and await self._watchdog.look(",
        (f"{_WATCHDOG}::test_a_consumer_that_hangs_connects_anew",),
    ),
    Mutant(
        "a slow handler counts as a hanging connection",
        "services/eventing/watchdog.py",
        "        if busy or not self._stillness.overdue(at, mine):\n",
        "        if not self._stillness.overdue(at, mine):\n",
        (f"{_WATCHDOG}::test_a_slow_handler_is_not_taken_for_a_hanging_connection",),
    ),
    Mutant(
        "a connection that will not close keeps its partitions",
        "services/eventing/connection.py",
        "            if client is not None:\n                await _tear_down(client)\n",
        "",
        (f"{_WATCHDOG}::test_a_connection_that_does_not_even_close_is_torn_down",),
    ),
    Mutant(
        "everything is parked",
        "services/eventing/parked_watch.py",
        "        return self.now.stuck >= self.limit\n",
        "        return False\n",
        (f"{EVENTING}/test_parked_limit.py",),
    ),
    Mutant(
        "the consumer stops for what would come by itself",
        "services/eventing/parked_watch.py",
        "WHERE blocks AND reason NOT IN ('cause_not_seen', 'behind_parked')\n",
        "WHERE blocks\n",
        (f"{EVENTING}/test_parked_limit.py",),
    ),
    Mutant(
        "a service that starts while Kafka is away ends",
        "services/eventing/consumer.py",
        "            except (KafkaError, TimeoutError, OSError) as error:\n",
        "            except ZeroDivisionError as error:\n",
        ("tests/infra/test_restart.py::test_a_service_that_starts_while_kafka_is_away_waits_for_it",),
    ),
    Mutant(
        "a connection of an agency that will not close goes on sending",
        "agency/tsunagu_agency/kafka.py",
        "        if not await _stopped(producer.stop()):\n",
        "        await _stopped(producer.stop())\n        if False:\n",
        ("tests/service/test_agency_connection.py",),
    ),
    Mutant(
        "a message that fails takes away the connection that others have made",
        "agency/tsunagu_agency/kafka.py",
        "            await self._discard(producer)\n            raise",
        "            await self.close()\n            raise",
        ("tests/service/test_agency_connection.py",),
    ),
    Mutant(
        "readiness stays true while stopping",
        "services/runtime/app.py",
        "        self._stopping.set()\n",
        "",
        (f"{EVENTING}/test_graceful_stop.py",),
    ),
    Mutant(
        "a stop does not wait for the outbox",
        "services/eventing/publishing.py",
        "                await asyncio.wait_for(self._idle.wait(), 10)\n",
        "                await asyncio.sleep(0)\n",
        (f"{EVENTING}/test_graceful_stop.py",),
    ),
    # What operators do.
    Mutant(
        "a discarded event leaves a gap",
        "services/eventing/parked_acts.py",
        "    await admission.save_seen(session, passed, [event.aggregate])\n",
        "",
        (f"{EVENTING}/test_parked_acts.py",),
    ),
    Mutant(
        "a discard passes over what came before",
        "services/eventing/parked_acts.py",
        "        if waiting[0] != parked_id:\n",
        "        if False:\n",
        (f"{EVENTING}/test_parked_acts.py",),
    ),
    Mutant(
        "anybody may act on parked messages",
        "services/eventing/parked_acts.py",
        "    if actor.kind is not ActorKind.OPERATOR:\n",
        "    if False:\n",
        (f"{EVENTING}/test_parked_acts.py",),
    ),
)
