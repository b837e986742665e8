"""What the routes of consent have in common: who calls, and how a signed message takes effect."""

from typing import Annotated

from fastapi import Depends, Header, Query

from services.membership.taking import MESSAGE, Taking
from services.runtime.identity import Caller, caller

__all__ = ["MESSAGE", "Calling", "IdempotencyKey", "Limit", "Taking", "name_of"]

Calling = Annotated[Caller, Depends(caller)]
IdempotencyKey = Annotated[str | None, Header()]
Limit = Annotated[int, Query(ge=1, le=200)]


def name_of(calling: Caller) -> str:
    """Who calls, as idempotency keys are told apart by."""
    return f"{calling.agency_id or ''} {calling.actor}"
