"""Cards, joins and the supply of blank handles, as an agency's software uses them."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders.agency_messages import NOW
from tests.unit.agency.fake_services import CLINIC, FakeServices
from tsunagu_agency import ActingCoordinator, Language, Notice, StatementMethod, UnjoinReason, scanned
from tsunagu_contracts.cards import open_shown_card
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.manifests import IssueCard, JoinHandles, UnjoinHandles

DOCTOR = ActingCoordinator(coordinator_id=CLINIC.coordinator, appointment_id=CLINIC.appointment)


async def test_a_card_from_its_issue_to_its_use(tmp_path: Path) -> None:
    """What is printed holds no name, what is scanned from it goes sealed to consent, and a join can be undone."""
    services = FakeServices()
    async with services.client(tmp_path, CLINIC) as clinic:
        card = await clinic.joins.issue_card("r-1", by=DOCTOR)
        secret = scanned(card.qr_text)
        joined = await clinic.joins.by_card("r-2", secret, by=DOCTOR)
        notice = Notice(version="1", language=Language.JA, hash=digest("notice"))
        await clinic.joins.by_word("r-1", "r-2", by=DOCTOR, how=StatementMethod.WRITTEN, notice=notice)
        await clinic.joins.undo(joined.join_id, UnjoinReason.CARD_OF_ANOTHER, by=DOCTOR)

    page = card.page()
    assert all(f'lang="{language.value}"' in page for language in Language)
    assert "<svg" in page
    assert card.secret not in page + repr(card)
    issue, by_card, by_word, undo = services.told
    assert isinstance(issue, IssueCard)
    assert isinstance(by_card, JoinHandles)
    assert by_card.data.card is not None
    assert card.secret not in by_card.model_dump_json()
    assert open_shown_card(by_card.data.card, services.consent.encryption, CLINIC.id) == card.secret
    with pytest.raises(Refusal) as refused:
        open_shown_card(by_card.data.card, services.consent.encryption, "chiyoda-npo-a")
    assert refused.value.code is RefusalCode.CARD_NOT_VALID
    assert isinstance(by_word, JoinHandles)
    assert (by_word.data.card, by_word.data.other_referral_id) == (None, "r-2")
    assert isinstance(undo, UnjoinHandles)


@pytest.mark.parametrize(
    "text", ["", "https://example.test/" + "A" * 22, "tsunagu-card:short", "tsunagu-card:" + "A" * 23]
)
def test_what_is_no_card(text: str) -> None:
    """A scanner may read anything; only a card is taken for one."""
    with pytest.raises(ValueError, match="no Tsunagu card"):
        scanned(text)


async def test_the_supply_is_refilled_only_when_it_is_low(tmp_path: Path) -> None:
    """Below the low water it is filled in batches, above nobody is asked, and the answer says how long it holds."""
    services = FakeServices()
    async with services.client(tmp_path, CLINIC) as clinic:
        supply = await clinic.keep_handles(low=2, full=5)
        again = await clinic.keep_handles(low=2, full=5)

    assert (supply.left, supply.first_expires_at, supply.trouble) == (5, NOW + timedelta(days=30), None)
    assert again == supply
    assert len(services.calls) == 1


async def test_offline_the_rest_of_the_supply_is_told(tmp_path: Path) -> None:
    """While consent is away what is left can be used, and the trouble is told in plain words."""
    services = FakeServices()
    async with services.client(tmp_path, CLINIC) as clinic:
        await clinic.take_handles(1)
        services.away = True
        supply = await clinic.keep_handles(low=2, full=5)

    assert supply.left == 1
    assert supply.trouble is not None
    assert "blank handles: 1" in str(supply)
    assert "not refilled" in str(supply)
