"""Who calls: every request carries a short-lived JWT, checked here before any route runs.

Agencies' systems sign their own assertions with their registered key (RFC 7523); people bring a token of the
OpenID provider. A coordinator acts for an agency only under an appointment, which the use case checks.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

import httpx
from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.assertions import AUDIENCE, CLOCK_SKEW, MAX_LIFETIME, claimed_issuer, verify_assertion
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.ports import Clock

_ISSUER_KEYS_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a token speaks for; `agency_id` is set when an agency's own system vouches for the actor."""

    actor: Actor
    agency_id: str | None

    @property
    def coordinator_id(self) -> str:
        """The coordinator who calls; refuses with `not_permitted` anyone else."""
        return self._id_as(ActorKind.COORDINATOR)

    @property
    def auditor_id(self) -> str:
        """The auditor who calls; refuses with `not_permitted` anyone else."""
        return self._id_as(ActorKind.AUDITOR)

    def _id_as(self, kind: ActorKind) -> str:
        if self.actor.kind is not kind or self.actor.id is None:
            raise Refusal(RefusalCode.NOT_PERMITTED)
        return self.actor.id


class AgencySigningKey(Protocol):
    """Looks up an agency's registered signing key; None for an agency that is not in the network."""

    def __call__(self, agency_id: str, /) -> Awaitable[PublicKey | None]:
        """The public key of this agency."""
        ...


class Identity:
    """Checks bearer tokens."""

    def __init__(self, *, issuer_url: str, agency_signing_key: AgencySigningKey, clock: Clock) -> None:
        self._issuer_url = issuer_url.rstrip("/")
        self._agency_signing_key = agency_signing_key
        self._clock = clock
        self._issuer_keys: KeySet | None = None
        self._issuer_keys_until = 0.0
        self._fetching = asyncio.Lock()

    async def caller(self, authorization: str | None) -> Caller:
        """The caller that an Authorization header proves; refuses with `unauthenticated` or `token_expired`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(RefusalCode.UNAUTHENTICATED)
        try:
            return await self._caller(token)
        except Refusal as refusal:
            if refusal.code in (RefusalCode.TOKEN_EXPIRED, RefusalCode.TRY_AGAIN_LATER):
                raise
            # Why a token fails helps only whoever is guessing.
            raise Refusal(RefusalCode.UNAUTHENTICATED) from None

    async def _caller(self, token: str) -> Caller:
        issuer = claimed_issuer(token)
        if issuer == self._issuer_url:
            return Caller(Actor.parse(await self._subject_of_person(token)), None)
        key = await self._agency_signing_key(issuer)
        if key is None:
            raise Refusal(RefusalCode.UNAUTHENTICATED)
        assertion = verify_assertion(token, key, issuer, self._clock.now())
        return Caller(Actor.parse(assertion.sub), issuer)

    async def _subject_of_person(self, token: str) -> str:
        """The subject of a JWT of the OpenID provider; the same bounds hold as for assertions."""
        try:
            claims = jwt.decode(token, await self._keys_of_issuer(), algorithms=["ES256"]).claims
        except (JoseError, ValueError, TypeError, KeyError):
            raise Refusal(RefusalCode.UNAUTHENTICATED) from None
        issued, expires, subject = claims.get("iat"), claims.get("exp"), claims.get("sub")
        if not isinstance(issued, int) or not isinstance(expires, int) or not isinstance(subject, str):
            raise Refusal(RefusalCode.UNAUTHENTICATED)
        now = self._clock.now().timestamp()
        too_long = expires - issued > MAX_LIFETIME.total_seconds()
        if claims.get("aud") != AUDIENCE or too_long or issued > now + CLOCK_SKEW.total_seconds():
            raise Refusal(RefusalCode.UNAUTHENTICATED)
        if expires <= now:
            raise Refusal(RefusalCode.TOKEN_EXPIRED)
        return subject

    async def _keys_of_issuer(self) -> KeySet:
        async with self._fetching:
            if self._issuer_keys is None or time.monotonic() > self._issuer_keys_until:
                try:
                    async with httpx.AsyncClient(timeout=5) as client:
                        answer = await client.get(f"{self._issuer_url}/jwks")
                        answer.raise_for_status()
                        self._issuer_keys = KeySet.import_key_set(answer.json())
                except (httpx.HTTPError, JoseError, ValueError):
                    raise Refusal(RefusalCode.TRY_AGAIN_LATER) from None
                self._issuer_keys_until = time.monotonic() + _ISSUER_KEYS_SECONDS
            return self._issuer_keys


async def caller(request: Request) -> Caller:
    """FastAPI dependency: who calls."""
    identity: Identity = request.app.state.identity
    return await identity.caller(request.headers.get("authorization"))
