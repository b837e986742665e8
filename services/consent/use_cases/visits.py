"""What whoever stands at the person's own door does: withdraw, see, and limit what representatives see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.receipts import Hidden, Visitor, Wanted
from services.consent.storage import persons, statements, viewing
from services.consent.storage.viewing import Asked, Owed, Said
from services.consent.use_cases import door, records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.effects import take_effect
from services.consent.use_cases.records import Saying, Speaker
from services.eventing.work import Emission, Work
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.codes import Category, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import ReceiptViewLimited, SpokenFor, StatementWithdrawnByPerson

_PERSON = Actor(ActorKind.PERSON)
_REPRESENTATIVE = Actor(ActorKind.REPRESENTATIVE)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal that has taken effect."""

    statement_id: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class View:
    """What the person sees; `from_representatives` is what they have hidden, told to nobody but themself."""

    said: Sequence[Said]
    asked: Sequence[Asked]
    owed: Sequence[Owed]
    from_representatives: Hidden | None


async def withdraw(work: Work, visiting: Visitor, wanted: Wanted, custody: Custody) -> Withdrawn:
    """Record a withdrawal under the person's row lock and let it take effect; it waits for nothing but that row.

    Refuses a representative with the codes of `Representative.check_speaking`, and the person never.
    """
    receipt = visiting.receipt
    group = await persons.lock_one(work.session, receipt.record_id)
    person = group.records[receipt.record_id]
    at = custody.recording(group).moment
    categories, purposes = visiting.withdraws(wanted, at)
    spoken_for = visiting.representative
    said = StatementWithdrawnByPerson(
        record_id=person.record_id,
        number=person.take_number(at),
        statement_id=work.ids.new(),
        receipt_id=receipt.receipt_id,
        categories=tuple(categories),
        recipients=None if wanted.recipients is None else tuple(sorted(wanted.recipients)),
        purposes=tuple(purposes),
        recorded_at=at,
        representation=(
            SpokenFor(representative_id=spoken_for.representative_id, ground=spoken_for.ground, overrides=None)
            if spoken_for
            else None
        ),
    )
    await statements.insert_withdrawal(work.session, said)
    actor = _REPRESENTATIVE if spoken_for else _PERSON
    saying = Saying(Emission(person.aggregate, said, actor), said.number)
    await take_effect(work, group, [saying], at, Speaker(actor), custody, spoken=said)
    return Withdrawn(said.statement_id, at)


async def view(session: AsyncSession, token: str, custody: Custody) -> View:
    """What a token that may view shows; refuses with the codes of `visitor`, and with `not_permitted` any other."""
    visiting = await _viewer(session, token, custody)
    record_ids = (await persons.look(session, visiting.receipt.record_id)).records
    limits = await viewing.limits(session, record_ids)
    hidden = visiting.hidden(limits)
    return View(
        await viewing.statements(session, record_ids, hidden),
        await viewing.asked(session, record_ids, hidden),
        await viewing.owed(session, record_ids, hidden),
        limits if visiting.representative is None else None,
    )


async def limit(work: Work, token: str, hidden: Hidden, custody: Custody) -> None:
    """Say what no representative's receipt shows from now on; the same again changes nothing.

    Refuses as `view`, and a representative with `not_permitted`.
    """
    visiting = await _viewer(work.session, token, custody)
    if visiting.representative is not None:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    group = await persons.lock_one(work.session, visiting.receipt.record_id)
    if hidden == await viewing.limits(work.session, group.records):
        return
    person = group.records[visiting.receipt.record_id]
    at = custody.recording(group).moment
    limited = ReceiptViewLimited(
        record_id=person.record_id,
        number=person.take_number(at),
        receipt_id=visiting.receipt.receipt_id,
        hidden_categories=tuple(each for each in Category if each in hidden.categories),
        hidden_agencies=tuple(sorted(hidden.agencies)),
        limited_at=at,
    )
    await viewing.limit(work.session, limited)
    persons.save(work, group.changed)
    await records.say(work, [Saying(Emission(person.aggregate, limited, _PERSON), limited.number)])


async def _viewer(session: AsyncSession, token: str, custody: Custody) -> Visitor:
    visiting = await door.visitor(session, token, custody)
    if not visiting.may_view:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    return visiting
