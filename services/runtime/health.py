"""Health and readiness; readiness sees the database, the consumer's progress, what is parked and the outbox."""

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Response

from services.eventing import outbox
from services.eventing.consumer import Consumer
from services.eventing.database import Database

MOST_BUSY_SECONDS = 60.0
MOST_OUTBOX_SECONDS = 30.0
REASONS = (
    "stopping",
    "database_unreachable",
    "outbox_old",
    "parked_limit",
    "not_assigned",
    "catching_up",
    "busy",
    "standing_still",
)
"""Each stands in the answer of readiness, true where it is why the process is not ready."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether the process has begun to stop; readiness turns false before anything is closed."""

    stopping: asyncio.Event


def router(database: Database, consumer: Consumer | None, condition: Condition) -> APIRouter:
    """The only routes that need no token; they tell numbers and nothing else."""
    routes = APIRouter(prefix="/health", tags=["health"])

    @routes.get("/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @routes.get("/ready")
    async def ready(response: Response) -> dict[str, object]:
        """The process can do its work; 503 with the reasons otherwise."""
        figures: dict[str, object] = {}
        reasons = ["stopping"] if condition.stopping.is_set() else []
        reasons += await _database(database, figures)
        if consumer is not None:
            reasons += await _consuming(consumer, figures)
        response.status_code = 503 if reasons else 200
        return {"ready": not reasons, **{reason: reason in reasons for reason in REASONS}, **figures}

    return routes


async def _database(database: Database, figures: dict[str, object]) -> list[str]:
    """Why the database keeps the process from its work."""
    try:
        async with asyncio.timeout(5), database.engine.connect() as connection:
            age = await outbox.oldest_age(connection)
    except Exception:
        return ["database_unreachable"]
    figures["outbox_age_seconds"] = round(age, 3)
    return ["outbox_old"] if age >= MOST_OUTBOX_SECONDS else []


async def _consuming(consumer: Consumer, figures: dict[str, object]) -> list[str]:
    """Why the consumer does not do its work."""
    figures |= {
        "lag": consumer.lag(),
        "busy_seconds": round(consumer.busy_seconds, 3),
        "still_seconds": round(consumer.still_seconds, 3),
        "parked": consumer.parked.stuck,
        "waiting_for_cause": consumer.parked.waiting,
    }
    if consumer.parked_full:
        return ["parked_limit"]  # nothing else of it is worth telling, for it has left the group
    checks = {
        "not_assigned": not consumer.assigned,
        "catching_up": not await consumer.caught_up(),
        "busy": consumer.busy_seconds >= MOST_BUSY_SECONDS,
        "standing_still": consumer.stands_still,
    }
    return [reason for reason, applies in checks.items() if applies]
