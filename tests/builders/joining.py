"""Cards and joins as agencies bring them to consent over HTTP."""

from dataclasses import dataclass

import httpx

from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent
from tsunagu_contracts.cards import ShownCard, open_issued_card, seal_shown_card
from tsunagu_contracts.codes import Language, StatementMethod, UnjoinReason
from tsunagu_contracts.manifests import (
    CardWanted,
    HandlesJoined,
    HandlesUnjoined,
    IssueCard,
    JoinHandles,
    UnjoinHandles,
)
from tsunagu_contracts.notices import published


def issuing(agency: SendingAgency, referral_id: str) -> IssueCard:
    """The manifest that asks for a card."""
    return IssueCard(**_head(agency), data=CardWanted(referral_id=referral_id))


def joining_by_card(bench: Bench, agency: SendingAgency, sent: Sent, secret: str) -> JoinHandles:
    """The manifest that joins a referral with the person of a card that the agency was shown."""
    card = seal_shown_card(ShownCard(sender=agency.id, secret=secret), bench.custody.keys.person_ref.public)
    return JoinHandles(**_head(agency), data=HandlesJoined(join_id=IDS.new(), referral_id=sent.id, card=card))


def joining_by_word(bench: Bench, agency: SendingAgency, one: Sent, other: Sent) -> JoinHandles:
    """The manifest that joins two referrals of an agency by the person's word."""
    data = HandlesJoined(
        join_id=IDS.new(),
        referral_id=one.id,
        other_referral_id=other.id,
        how=StatementMethod.WRITTEN,
        stated_at=bench.clock.now(),
        notice=published(Language.JA).shown,
    )
    return JoinHandles(**_head(agency), data=data)


def unjoining(
    agency: SendingAgency, join_id: str, reason: UnjoinReason = UnjoinReason.DIFFERENT_PERSONS
) -> UnjoinHandles:
    """The manifest that undoes a join."""
    return UnjoinHandles(**_head(agency), data=HandlesUnjoined(join_id=join_id, reason=reason))


def _head(agency: SendingAgency) -> dict[str, object]:
    return {
        "id": IDS.new(),
        "source": f"agency/{agency.id}",
        "time": NOW,
        "actor": f"coordinator:{agency.coordinator}",
        "appointment": agency.appointment,
    }


async def card_of(bench: Bench, sent: Sent, *, by: SendingAgency = CLINIC) -> str:
    """A new card for a referral's person; returns its secret."""
    return opened_card(await bench.post("/cards", issuing(by, sent.id), by=by), by)


def opened_card(answer: httpx.Response, by: SendingAgency) -> str:
    """The secret that an agency reads from the answer."""
    assert answer.status_code == 201, answer.text
    return open_issued_card(answer.json()["card"], by.encryption).secret


async def join(bench: Bench, manifest: JoinHandles, *, by: SendingAgency) -> httpx.Response:
    """Bring a join."""
    return await bench.post("/joins", manifest, by=by)


async def undo(bench: Bench, manifest: UnjoinHandles, *, by: SendingAgency) -> httpx.Response:
    """Bring the undoing of a join."""
    return await bench.post("/joins/undo", manifest, by=by)


async def preview(bench: Bench, join_id: str, *, by: SendingAgency) -> httpx.Response:
    """Ask what undoing would mean."""
    return await bench.client.post("/joins/preview-undo", json={"join_id": join_id}, headers=bench.headers(by))


@dataclass(frozen=True)
class Two:
    """One person known to two agencies by references of their own, and the join of both, if there is one."""

    clinics: Sent
    npos: Sent
    join_id: str = ""


async def two(bench: Bench) -> Two:
    """A referral of the clinic and one of the NPO to the desk; consent does not know that they are of one person."""
    return Two(await bench.refer(reference="karte-7"), await bench.refer(reference="npo-7", sender=NPO))


async def joined(bench: Bench, *, by_word: bool = False) -> Two:
    """The same, joined: the NPO was shown the card of the clinic, or the desk heard the person's word."""
    both = await two(bench)
    if by_word:
        manifest, by = joining_by_word(bench, DESK, both.clinics, both.npos), DESK
    else:
        manifest, by = joining_by_card(bench, NPO, both.npos, await card_of(bench, both.clinics)), NPO
    answer = await join(bench, manifest, by=by)
    assert answer.status_code == 201, answer.text
    return Two(both.clinics, both.npos, manifest.data.join_id)
