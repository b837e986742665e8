"""Giving out what was said, to the parties of its referral and to whoever audits.

A party gets what was recorded through the referral that it is a party to, and nothing of what was said elsewhere but
what coverage tells it anyway; an auditor gets all that was recorded through a referral as it stands by everything.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.exports.exported import Exported
from services.consent.domain.exports.standing import Heard, standing_of
from services.consent.domain.word import Word
from services.consent.storage import exports, referrals
from services.consent.use_cases.coverage import of_party, word_on
from services.consent.use_cases.custody import Custody
from services.runtime.identity import Caller
from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import StatementRecorded
from tsunagu_contracts.manifests import Notice

_NO_REFERRAL = ""


async def for_party(session: AsyncSession, caller: Caller, statement_id: str, custody: Custody) -> Exported:
    """One statement, for a party of the referral that it was recorded through.

    Refuses with `referral_unknown` everybody else and every id that means nothing, and with the codes of `acting`.
    """
    wanted = await exports.recorded(session, [statement_id])
    referral, _ = await of_party(session, caller, wanted[0].referral_id if wanted else _NO_REFERRAL, custody)
    word, _ = await word_on(session, referral)
    said = [each for each in await _said(session, word) if each.referral_id == referral.referral_id]
    ids = {each.statement_id for each in said}
    here = Word([each for each in word.statements if each.statement_id in ids], word.facts)
    # Whoever countersigned as a party to another referral: that they know the person is nobody's business.
    signers = (referral.sender, referral.addressee)
    found = await _exported(session, Heard(referral, here, word), said, custody.clock.now(), signers)
    return next(each for each in found if each.said.statement_id == statement_id)


async def for_audit(session: AsyncSession, referral_id: str, at: datetime) -> list[Exported]:
    """Everything recorded through a referral, as it stands at a moment; refuses with `referral_unknown`."""
    referral = await referrals.load(session, referral_id)
    if referral is None:
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    word, _ = await word_on(session, referral)
    by_then = Word([each for each in word.statements if each.recorded_at <= at], word.facts)
    return await _exported(session, Heard(referral, by_then, by_then), await _said(session, by_then), at, None)


async def _said(session: AsyncSession, word: Word) -> list[StatementRecorded]:
    return await exports.recorded(session, [each.statement_id for each in word.statements])


async def _exported(
    session: AsyncSession,
    heard: Heard,
    said: Sequence[StatementRecorded],
    at: datetime,
    signers: Collection[str] | None,
) -> list[Exported]:
    """What was recorded through the referral: how it stands and who has confirmed it.

    `said` is all that the reader may see, `signers` are those whose signatures they may (None: all).
    """
    signed = await exports.countersigned(session, said)
    by_id = {each.statement_id: each for each in heard.here.statements}
    return [
        Exported(
            said=each,
            notice=_notice_in(each.manifest),
            handle_id=heard.referral.handle_id,
            standing=standing_of(by_id[each.statement_id], heard, at),
            confirmations=tuple(other for other in said if other.confirms == each.statement_id),
            countersigned=tuple(
                one
                for one in signed.get(each.statement_id, ())
                if one.at <= at and (signers is None or one.agency_id in signers)
            ),
        )
        for each in said
        if each.referral_id == heard.referral.referral_id
    ]


def _notice_in(manifest: str) -> Notice:
    """The notice that a recorded message names; its signature was checked when it was recorded."""
    data = jose.unverified_payload(manifest).get("data")
    return Notice.model_validate(data.get("notice") if isinstance(data, dict) else None)
