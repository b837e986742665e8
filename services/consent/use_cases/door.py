"""The person's own door: a code, with or without the secret, for a short token, and the secret's being set.

An exchange has three steps: `present` finds the receipt and takes one of its tries, committed before anything is
compared; `compare` does the slow hashing while nothing is locked; `admit` gives the token or counts the failure.
"""

import asyncio
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.receipts import Receipt, Visitor
from services.consent.storage import person_tokens, persons, receipts, representatives
from services.consent.use_cases.custody import Custody
from services.eventing.work import Work
from tsunagu_contracts.codes import PersonScope, RefusalCode
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.receipts import CODE_LENGTH, PERMISSION_LENGTH, read_code

SHORTEST_SECRET = 8
"""Characters that a secret must have at least."""

_TOKEN_BYTES = 32
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Presented:
    """A code that was presented: the receipt whose it is and what the secret is compared with, or the refusal."""

    receipt: Receipt | None
    secret: str = field(repr=False)
    kept: str | None = field(repr=False)
    refusal: RefusalCode | None = None

    @property
    def wants_view(self) -> bool:
        """Whether a secret came with the code."""
        return self.secret != ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A token, with what it is good for and until when."""

    token: str = field(repr=False)
    scopes: tuple[PersonScope, ...]
    expires_at: datetime


async def present(work: Work, code: str, secret: str, custody: Custody) -> Presented:
    """Find the receipt of a code and, where a secret comes with it, take one of the receipt's tries.

    Everything that has no receipt to go on with counts as wrong, and is refused in one way.
    """
    now = custody.clock.now()
    plain = _plain(secret)
    code_hash = custody.keys.lookup.of_receipt(read_code(code, CODE_LENGTH) or "")
    found = await receipts.by_code(work.session, code_hash)
    if found is not None and await _standing(work.session, found[0], False, now) is not None:
        receipt, kept = found
        if not plain or (kept is not None and await _take_try(work.session, receipt, now, custody)):
            return Presented(receipt, plain, kept)
    return Presented(None, plain, None, await _refusal(work.session, now, custody))


async def compare(presented: Presented, custody: Custody) -> bool:
    """Compare the secret; the same work is done where there is none to compare with."""
    if not presented.wants_view or presented.refusal is RefusalCode.TOO_MANY_TRIES:
        return False
    receipt_id = presented.receipt.receipt_id if presented.receipt else ""
    peppered = custody.keys.lookup.of_secret(receipt_id, presented.secret)
    right = await asyncio.to_thread(_matches, peppered, presented.kept or _decoy())
    return right and presented.receipt is not None


async def admit(work: Work, presented: Presented, custody: Custody, *, right: bool) -> Admitted | Refusal:
    """Give a token for a code whose secret, if one came, is right; else count it as wrong."""
    now = custody.clock.now()
    receipt = presented.receipt
    if receipt is None:
        return Refusal(presented.refusal or RefusalCode.RECEIPT_NOT_VALID)
    if presented.wants_view:
        if not right:
            return Refusal(await _refusal(work.session, now, custody))
        await receipts.forget_tries(work.session, receipt.receipt_id)
    token = to_base64url(secrets.token_bytes(_TOKEN_BYTES))
    expires_at = now + custody.bounds.door.token_lifetime
    await person_tokens.prune(work.session, now)
    await person_tokens.keep(
        work.session,
        custody.keys.lookup.of_person_token(token),
        receipt.receipt_id,
        may_view=right,
        expires_at=expires_at,
    )
    return Admitted(token, (PersonScope.WITHDRAW, *([PersonScope.VIEW] if right else [])), expires_at)


async def visitor(session: AsyncSession, token: str, custody: Custody) -> Visitor:
    """Who brings a person's token; refuses with `unauthenticated` one that does not hold now."""
    now = custody.clock.now()
    found = await person_tokens.receipt_of_token(session, custody.keys.lookup.of_person_token(token), now)
    standing = await _standing(session, *found, now) if found else None
    if standing is None:
        raise Refusal(RefusalCode.UNAUTHENTICATED)
    return standing


async def hash_secret(session: AsyncSession, token: str, secret: str, custody: Custody) -> str:
    """Hash a secret slowly for the receipt of a token; refuses with `unauthenticated`, and one that is too short."""
    visiting = await visitor(session, token, custody)
    plain = _plain(secret)
    if len(plain) < SHORTEST_SECRET:
        raise Refusal(RefusalCode.INVALID_CONTENT, where="secret")
    return await asyncio.to_thread(_slow_hash, custody.keys.lookup.of_secret(visiting.receipt.receipt_id, plain))


async def set_secret(
    work: Work, token: str, slow_hash: str, permission: str | None, custody: Custody
) -> Refusal | None:
    """Set a receipt's secret, by a token that may view or else by the permission, which takes one of the tries.

    Every token of the receipt ends with it. Refuses with `unauthenticated`; without the permission it returns
    `receipt_not_valid`, so that the try is kept.
    """
    now = custody.clock.now()
    visiting = await visitor(work.session, token, custody)
    receipt = visiting.receipt
    if not visiting.may_view:
        typed = read_code(permission or "", PERMISSION_LENGTH) or ""
        permission_hash = custody.keys.lookup.of_permission(receipt.receipt_id, typed)
        # The try holds the receipt's row: of two with the same permission the second finds it used.
        if not await _take_try(work.session, receipt, now, custody) or not await receipts.is_permitted(
            work.session, receipt.receipt_id, permission_hash, now
        ):
            return Refusal(RefusalCode.RECEIPT_NOT_VALID)
    await receipts.set_secret(work.session, receipt.receipt_id, slow_hash)
    await receipts.forget_tries(work.session, receipt.receipt_id)
    await person_tokens.forget(work.session, receipt.receipt_id)
    return None


async def _standing(session: AsyncSession, receipt: Receipt, may_view: bool, now: datetime) -> Visitor | None:
    """Whoever comes with this receipt; None where it does not hold now, or its representative is none any more."""
    if not receipt.is_valid(now):
        return None
    if receipt.representative_id is None:
        return Visitor(receipt, may_view, None)
    records = (await persons.look(session, receipt.record_id)).records
    spoken_for = await representatives.last(session, records, receipt.agency_id, receipt.representative_id)
    return Visitor(receipt, may_view, spoken_for) if spoken_for and spoken_for.may_speak(now) else None


async def _take_try(session: AsyncSession, receipt: Receipt, now: datetime, custody: Custody) -> bool:
    door = custody.bounds.door
    return await receipts.take_try(session, receipt.receipt_id, now, most=door.tries, until=now + door.locked_for)


async def _refusal(session: AsyncSession, now: datetime, custody: Custody) -> RefusalCode:
    """Count an exchange as wrong and tell how it is refused: by one code, or by another once there are too many."""
    many = await person_tokens.count_wrong(session, now) > custody.bounds.door.wrong_a_minute
    return RefusalCode.TOO_MANY_TRIES if many else RefusalCode.RECEIPT_NOT_VALID


def _plain(secret: str) -> str:
    return unicodedata.normalize("NFKC", secret).strip()


def _slow_hash(peppered: str) -> str:
    # The second recommendation of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
    argon2 = Argon2id(salt=secrets.token_bytes(_SALT_BYTES), length=32, iterations=2, lanes=1, memory_cost=19 * 1024)
    return argon2.derive_phc_encoded(peppered.encode())


def _matches(peppered: str, slow_hash: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(peppered.encode(), slow_hash)
    except InvalidKey:
        return False
    return True


@cache
def _decoy() -> str:
    """What a secret is compared with where there is nothing to compare it with."""
    return _slow_hash("")
