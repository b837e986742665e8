"""The person's own door: no agency's token opens it, and neither code nor token ever stands in an address."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StringConstraints

from services.consent.api import told
from services.consent.api.parts import IdempotencyKey
from services.consent.domain.receipts import Hidden, Wanted
from services.consent.use_cases import door, visits
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from services.eventing.work import Work
from services.runtime import idempotency
from services.runtime.idempotency import Answer
from tsunagu_contracts.codes import Category, Language, PersonScope, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.manifests import Categories, Exact, Purposes, Recipients
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant

_Typed = Annotated[str, StringConstraints(max_length=128)]


class CodePresented(Exact):
    """The code of a receipt, and the secret where the person wants to see; as typed."""

    code: _Typed = Field(repr=False)
    secret: _Typed = Field(default="", repr=False)


class TokenAnswer(Frozen):
    """An opaque token, which goes into the header `Authorization: Bearer`, with what it is good for and until when."""

    token: str = Field(repr=False)
    scopes: tuple[PersonScope, ...]
    expires_at: Instant


class SecretChosen(Exact):
    """The secret that the person sets, of eight characters or more, and at the first time the permission to do so."""

    secret: _Typed = Field(repr=False)
    permission: _Typed | None = Field(default=None, repr=False)


class WithdrawalWanted(Exact):
    """What is taken back; null means all: every category, every agency, every purpose."""

    categories: Categories | None = None
    recipients: Recipients | None = None
    purposes: Purposes | None = None


class WithdrawalAnswer(Frozen):
    """A withdrawal that has taken effect."""

    statement_id: Id
    recorded_at: Instant


class ViewWanted(Exact):
    """The language in which codes are told."""

    language: Language = Language.JA


class LimitsSet(Exact):
    """What no representative's receipt shows; empty lists hide nothing."""

    categories: frozenset[Category]
    agencies: Annotated[frozenset[AgencyId], Field(max_length=500)]


def _in_no_address(request: Request, response: Response) -> None:
    """Refuse whatever comes in the address, which others write down, and let nobody keep the answer."""
    if request.url.query:
        raise Refusal(RefusalCode.INVALID_CONTENT, where="query")
    response.headers["Cache-Control"] = "no-store"


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(RefusalCode.UNAUTHENTICATED)
    return token


_Token = Annotated[str, Depends(_token)]


def router(database: Database, custody: Custody) -> APIRouter:
    """Exchange a code, set the secret, withdraw, view, limit."""

    async def known(token: _Token) -> None:
        """Refuse a token that does not hold now, before anything else of the request is looked at."""
        async with database.reading() as session:
            await door.visitor(session, token, custody)

    routes = APIRouter(prefix="/person", dependencies=[Depends(_in_no_address)])
    inside = APIRouter(dependencies=[Depends(known)])

    @routes.post("/tokens", status_code=201, response_model=TokenAnswer)
    async def exchange(presented: CodePresented) -> TokenAnswer:
        """Exchange a receipt's code for a token: to withdraw, and with the right secret to view as well."""
        found = await database.until_settled(
            partial(door.present, code=presented.code, secret=presented.secret, custody=custody)
        )
        right = await door.compare(found, custody)
        admitted = await database.until_settled(partial(door.admit, presented=found, custody=custody, right=right))
        if isinstance(admitted, Refusal):
            raise admitted
        return TokenAnswer(token=admitted.token, scopes=admitted.scopes, expires_at=admitted.expires_at)

    @inside.put("/secret", status_code=204)
    async def set_secret(token: _Token, chosen: SecretChosen) -> None:
        """Set the secret that is needed to view; every token of the receipt ends with it."""
        async with database.reading() as session:
            slow_hash = await door.hash_secret(session, token, chosen.secret, custody)
        refusal = await database.until_settled(
            partial(door.set_secret, token=token, slow_hash=slow_hash, permission=chosen.permission, custody=custody)
        )
        if refusal is not None:
            raise refusal

    @inside.post("/withdrawals", status_code=201, response_model=WithdrawalAnswer)
    async def withdraw(
        token: _Token, wanted: WithdrawalWanted, idempotency_key: IdempotencyKey = None
    ) -> dict[str, object]:
        """Take back consent, effective at once; the same request again changes nothing."""
        key = idempotency.require_key(idempotency_key)

        async def record(work: Work) -> Answer:
            visiting = await door.visitor(work.session, token, custody)
            name = f"person {visiting.receipt.receipt_id}"
            request = wanted.model_dump_json().encode()
            earlier = await idempotency.claim(work.session, caller=name, key=key, request=request)
            if earlier is not None:
                return earlier
            withdrawn = await visits.withdraw(work, visiting, _wanted(wanted), custody)
            made = WithdrawalAnswer(statement_id=withdrawn.statement_id, recorded_at=withdrawn.recorded_at)
            answer = Answer(201, made.model_dump(mode="json"))
            await idempotency.keep(work.session, answer, caller=name, key=key)
            return answer

        return (await database.until_settled(record)).body

    @inside.post("/view", response_model=told.View)
    async def view(token: _Token, wanted: ViewWanted) -> told.View:
        """What was said, who opened what, who was refused, and who still has to delete; in words of the language."""
        async with database.reading() as session:
            return told.view_of(await visits.view(session, token, custody), wanted.language)

    @inside.put("/limits", status_code=204)
    async def limit(token: _Token, limits: LimitsSet) -> None:
        """Say what representatives do not see from now on; in the place of whatever was said before."""
        hidden = Hidden(limits.categories, limits.agencies)
        await database.until_settled(partial(visits.limit, token=token, hidden=hidden, custody=custody))

    routes.include_router(inside)
    return routes


def _wanted(wanted: WithdrawalWanted) -> Wanted:
    return Wanted(
        None if wanted.categories is None else frozenset(wanted.categories),
        None if wanted.recipients is None else frozenset(wanted.recipients),
        None if wanted.purposes is None else frozenset(wanted.purposes),
    )
