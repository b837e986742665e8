"""One service process: HTTP, the consumer and the relay in one event loop, started and ended in order."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from services.eventing.broker import KafkaAccess, Producer
from services.eventing.consumer import LINGER_SECONDS, Bounds, Consumer
from services.eventing.database import Database
from services.eventing.processing import Handler
from services.runtime import errors, health
from services.runtime.health import Condition
from services.runtime.identity import AgencySigningKey, Identity, caller
from services.runtime.monitoring import watch_outbox
from services.runtime.settings import ServiceSettings
from services.runtime.telemetry import configure_logging, configure_metrics, configure_tracing, without_query
from tsunagu_contracts.ports import Clock, Ids, SystemClock, Uuid7Ids
from tsunagu_contracts.topics import consumed_by

_log = logging.getLogger("tsunagu.runtime")

_OBJECTS_BEFORE_COLLECTING = 20_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root of a service is given to build from.

    `stopping` is set as soon as the process is to stop, so that answers without an end can come to one.
    """

    database: Database
    clock: Clock
    ids: Ids
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Service:
    """What the composition root of a service gives back.

    `handler` is absent in a service that consumes nothing; `pattern` is a regular expression of topics beside
    those of the catalogue; `linger_seconds` is how long it lets batches grow under load; `on_start` runs before
    the consumer starts; `background` runs until the end.
    """

    name: str
    routers: Sequence[APIRouter]
    agency_signing_key: AgencySigningKey
    handler: Handler | None = None
    pattern: str | None = None
    raw: bool = False
    linger_seconds: float = LINGER_SECONDS
    on_start: Callable[[], Awaitable[None]] | None = None
    background: Sequence[Callable[[], Awaitable[None]]] = field(default_factory=tuple)


def serve(name: str, settings: ServiceSettings, compose: Callable[[Parts], Service]) -> None:
    """Run a service until it is told to stop (SIGTERM, SIGINT); the batch in hand is finished and said."""
    configure_logging(name, settings.log_file)
    spans, meters = configure_tracing(name, settings), configure_metrics(name, settings)
    stopping = asyncio.Event()
    config = uvicorn.Config(
        lambda: build(name, settings, compose, stopping),
        factory=True,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    # When all is closed uvicorn raises the signal again; unhandled it would kill us before the last spans are out.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    # What is loaded by now stays; looking through it again and again for what can go would cost a tenth of the work.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTING)
    try:
        asyncio.run(_Server(config, stopping, settings.stop_delay_seconds).serve())
    finally:
        spans.shutdown()
        meters.shutdown()


class _Server(uvicorn.Server):
    """Says at once that the process is to stop; uvicorn tells the application only after its last answer.

    It goes on answering for the delay, so that whoever watches its readiness sends nobody here any more.
    """

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, delay_seconds: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._delay_seconds = delay_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop because of a signal; the loop, which looks every tenth of a second, tells whoever waits."""
        self._stopping.set()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the doors, once the delay has passed."""
        await asyncio.sleep(self._delay_seconds)
        await super().shutdown(sockets)


def build(
    name: str, settings: ServiceSettings, compose: Callable[[Parts], Service], stopping: asyncio.Event
) -> FastAPI:
    """Put a service together."""
    access = KafkaAccess(settings.kafka_bootstrap, settings.kafka_username, settings.kafka_password.get_secret_value())
    clock, ids = SystemClock(), Uuid7Ids()
    database = Database(
        settings.database_url.get_secret_value(),
        source=name,
        clock=clock,
        ids=ids,
        producer=Producer(access, f"tsunagu.{name}"),
    )
    service = compose(Parts(database, clock, ids, stopping))
    consumer = _consumer(service, access, database, Bounds(most_parked=settings.parked_limit))
    condition = Condition(stopping)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            if service.on_start is not None:
                await service.on_start()
            # Only now: what a restored database believes unsaid may have been said long ago.
            database.publisher.start()
            if consumer is not None:
                stack.push_async_callback(consumer.stop)
                await consumer.start()
            background: list[Callable[[], Awaitable[None]]] = [*service.background, partial(watch_outbox, database)]
            tasks = [asyncio.create_task(_forever(run)) for run in background]
            _log.info("started")
            yield
            stopping.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        _log.info("stopped")

    # FastAPI's own description is open to everybody; nothing here is but health.
    app = FastAPI(title=f"Tsunagu {name}", version="1", lifespan=lifespan, openapi_url=None)

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(caller)])
    async def description() -> dict[str, object]:
        """The OpenAPI description of this service."""
        return app.openapi()

    app.state.identity = Identity(
        issuer_url=settings.issuer_url, agency_signing_key=service.agency_signing_key, clock=clock
    )
    errors.install(app)
    app.include_router(health.router(database, consumer, condition))
    for router in service.routers:
        app.include_router(router)
    # One span a request: a span for every chunk of a stream would tell nothing more.
    FastAPIInstrumentor.instrument_app(
        app, excluded_urls="health/.*", exclude_spans=["receive", "send"], server_request_hook=without_query
    )
    return app


def _consumer(service: Service, access: KafkaAccess, database: Database, bounds: Bounds) -> Consumer | None:
    if service.handler is None:
        return None
    return Consumer(
        service=service.name,
        access=access,
        database=database,
        handler=service.handler,
        topics=[topic.name for topic in consumed_by(service.name)],
        pattern=service.pattern,
        raw=service.raw,
        linger_seconds=service.linger_seconds,
        bounds=bounds,
    )


async def _forever(run: Callable[[], Awaitable[None]]) -> None:
    """Run a background job; a failure is logged and it is run again."""
    while True:
        try:
            await run()
        except Exception as error:
            _log.warning("background job failed and is run again error=%s", type(error).__name__)
        await asyncio.sleep(1)
