"""A process that is told to stop under load: not ready first, nothing cut short, nothing lost, status 0."""

import asyncio
import gzip
import json
import os
import signal
import sys
import threading
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from deploy.access import PostgresAccess
from deploy.embedded.ports import ports_kept_in
from services.eventing.broker import KafkaAccess
from services.eventing.database import Database
from tests.infra.eventually import eventually
from tests.service.eventing.conftest import IDS, MakeTopic, Stream
from tests.service.eventing.members import all_at, producing, say, took_effect
from tests.service.eventing.published import read_all, unpublished

STOPS = 3


class Echo:
    """The echo service as a process of its own, started and stopped any number of times."""

    def __init__(self, settings: dict[str, str], folder: Path) -> None:
        self.log = folder / "echo.log"
        (port,) = ports_kept_in(folder / "ports.json", 1)
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5, trust_env=False)
        self.hears, self.says = settings["ECHO_HEARS"], settings["ECHO_SAYS"]
        self.settings = {
            **settings,
            "TSUNAGU_HTTP_PORT": str(port),
            "TSUNAGU_LOG_FILE": str(self.log),
            "TSUNAGU_TRUST_FILE": str(folder / "none"),
            "TSUNAGU_ISSUER_URL": "http://127.0.0.1:1",
            "TSUNAGU_STOP_DELAY_SECONDS": "3",
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        """The process, killed at the end if it still runs."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.service.eventing.echo_service", env={**os.environ, **self.settings}
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def readiness(self) -> dict[str, object]:
        """What readiness answers; nothing when nobody answers."""
        try:
            return dict((await self._client.get("/health/ready")).json())
        except httpx.TransportError:
            return {}

    def said(self) -> list[str]:
        """What stands in its log."""
        return [json.loads(line)["event"] for line in self.log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def echo(
    kafka: KafkaAccess, make_topic: MakeTopic, pipeline_database: PostgresAccess, effects_table: None, tmp_path: Path
) -> Echo:
    """The echo service between two topics of its own."""
    settings = {
        "TSUNAGU_DATABASE_URL": pipeline_database.url,
        "TSUNAGU_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "TSUNAGU_KAFKA_USERNAME": kafka.username,
        "TSUNAGU_KAFKA_PASSWORD": kafka.password,
        "ECHO_GROUP": IDS.new(),
        "ECHO_HEARS": make_topic(3),
        "ECHO_SAYS": make_topic(3),
    }
    return Echo(settings, tmp_path)


async def test_a_stop_under_load_finishes_what_is_in_hand_and_loses_nothing(
    database: Database, kafka: KafkaAccess, echo: Echo
) -> None:
    """Stopped again and again while messages come in: each takes effect once, in order, and is said once more."""
    streams, enough = [Stream() for _ in range(20)], asyncio.Event()

    async def load() -> None:
        async with producing(kafka) as producer:
            while not enough.is_set():
                await say(producer, echo.hears, *streams)

    loading = asyncio.create_task(load())
    for _ in range(STOPS):
        before = len(await took_effect(database))
        async with echo.running() as process:
            await eventually(lambda before=before: _more_than(database, before))  # type: ignore[misc]
            process.send_signal(signal.SIGTERM)
            await eventually(lambda: _stopping(echo))
            assert process.returncode is None, "readiness turns false before anything is closed"
            async with asyncio.timeout(60):
                assert await process.wait() == 0
        assert await unpublished(database) == 0
    enough.set()
    await loading
    async with echo.running() as process:
        await eventually(lambda: all_at(database, streams))
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    effects = await took_effect(database)
    assert len(effects) == len(set(effects))
    assert await _said(kafka, echo) == {each.aggregate: list(range(1, each.version + 1)) for each in streams}
    said = echo.said()
    assert said.count("stopped") == STOPS + 1
    assert not [line for line in said if "failed" in line or "did not" in line]


async def test_metrics_and_spans_are_out_before_the_process_ends(
    database: Database, kafka: KafkaAccess, echo: Echo
) -> None:
    """Over OTLP, below the one address of the settings: what the pipeline measures, and the span of each message."""
    stream = Stream()
    with _collector() as (address, received):
        echo.settings["TSUNAGU_OTLP_ENDPOINT"] = address
        async with producing(kafka) as producer, echo.running() as process:
            await producer.send_and_wait(
                echo.hears,
                stream.next(),
                key=stream.key.encode(),
                headers=[("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01")],
            )
            await eventually(lambda: all_at(database, [stream]))
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                assert await process.wait() == 0
    metrics, spans = received["/v1/metrics"], received["/v1/traces"]
    for name in (b"tsunagu.consumer.batch.size", b"tsunagu.parked", b"tsunagu.outbox.age"):
        assert any(name in body for body in metrics), name
    assert any(bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in body for body in spans)
    everything = b"".join([*metrics, *spans])
    assert stream.key.encode() not in everything, "neither tells whom a message is about"


@contextmanager
def _collector() -> Iterator[tuple[str, defaultdict[str, list[bytes]]]]:
    """An address that takes whatever is posted to it; what it got, by path."""
    received: defaultdict[str, list[bytes]] = defaultdict(list)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpacked = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            received[self.path].append(unpacked)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def _more_than(database: Database, count: int) -> bool:
    return len(await took_effect(database)) > count


async def _stopping(echo: Echo) -> bool:
    readiness = await echo.readiness()
    return readiness.get("stopping") is True and readiness.get("ready") is False


async def _said(kafka: KafkaAccess, echo: Echo) -> dict[str, list[int]]:
    """The versions that the echo has said of each aggregate, in the order in which they stand in Kafka."""
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for value in await read_all(kafka, echo.says):
        aggregate, _, version = value.decode().partition("@")
        versions[aggregate].append(int(version))
    return dict(versions)
