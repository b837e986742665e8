"""A process that is told to stop under load: not ready first, nothing cut short, nothing lost, status 0."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
        self._settings = {
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
            sys.executable, "-m", "tests.service.eventing.echo_service", env={**os.environ, **self._settings}
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
