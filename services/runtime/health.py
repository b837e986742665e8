"""Health and readiness; readiness sees the database, the consumer's progress and the age of the outbox."""

import asyncio
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Response

from services.eventing import outbox
from services.eventing.consumer import Consumer
from services.eventing.database import Database

MOST_BUSY_SECONDS = 60.0
MOST_OUTBOX_SECONDS = 30.0


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
        """The process can do its work; 503 with the failing check otherwise."""
        checks: dict[str, object] = {"stopping": condition.stopping.is_set()}
        fine = not condition.stopping.is_set()
        try:
            async with asyncio.timeout(5), database.engine.connect() as connection:
                age = await outbox.oldest_age(connection)
                checks["parked"] = (await connection.execute(sa.text("SELECT count(*) FROM parked"))).scalar_one()
            checks |= {"database": True, "outbox_age_seconds": round(age, 3)}
            fine = fine and age < MOST_OUTBOX_SECONDS
        except Exception:
            checks["database"] = False
            fine = False
        if consumer is not None:
            caught_up = await consumer.caught_up()
            checks |= {
                "caught_up": caught_up,
                "assigned": consumer.assigned,
                "lag": consumer.lag(),
                "busy_seconds": round(consumer.busy_seconds, 3),
            }
            fine = fine and caught_up and consumer.assigned and consumer.busy_seconds < MOST_BUSY_SECONDS
        response.status_code = 200 if fine else 503
        return {"ready": fine, **checks}

    return routes
