"""Taking agencies' messages: one path for Kafka and HTTP, a batch at a time, each message answered once.

The order of checks keeps what one agency may learn to what is its own: form, sender, signature, bodies and
handle; then its own earlier messages; then its appointment and addressee; and of a referral only a party
learns that it exists.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.eventing.work import Emission, Work
from services.membership import Members
from services.referral.domain.checking import Authentic, Dubious, Incoming, Rules, check
from services.referral.storage.eliding import with_manifest, without_manifest
from services.referral.storage.messages import Earlier, MessageKey
from services.referral.use_cases.batch import Batch, key_of
from services.referral.use_cases.deciding import decide
from services.referral.use_cases.telling import Said, tell_agencies, tell_sender
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause, Event, decode_event, encode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import MessageRefused
from tsunagu_contracts.manifests import ClaimedIds, referral_of

Checked = Sequence[Authentic | Dubious]
"""Messages with what their bytes alone tell of them."""

# The grant is an appointment's first version: whoever has seen it knows under what was acted.
_GRANT = 1


def check_all(incoming: Sequence[Incoming], members: Members, rules: Rules, now: datetime) -> Checked:
    """Check what messages say of themselves: all of a batch's cryptography, before anything is locked."""
    checked: list[Authentic | Dubious] = []
    for one in incoming:
        keys = members.keys_of(one.agency_id)
        checked.append(check(one, keys.signing if keys else None, rules, now))
    return checked


async def take_messages(work: Work, incoming: Sequence[Incoming], members: Members, rules: Rules) -> list[Event]:
    """Take messages; returns for each the event that answers it, `message.refused` among them.

    Nothing is raised for what is wrong with a message, so that its neighbours are not touched.
    """
    checked = check_all(incoming, members, rules, work.now)
    batch = await Batch.read(work, checked)
    events = await answer_messages(work, checked, batch, members)
    batch.write(work)
    return events


async def answer_messages(work: Work, checked: Checked, batch: Batch, members: Members) -> list[Event]:
    """Decide on messages one after the other, say what was decided and refused, and tell the agencies."""
    outcomes: list[Said | Refusal | Event] = []
    repeats: dict[int, int] = {}
    first: dict[MessageKey, int] = {}
    for position, one in enumerate(checked):
        if isinstance(one, Authentic) and (before := first.get(key_of(one))) is not None:
            # The first of them has its answer only when all has been decided.
            same = checked[before].digest == one.digest
            if same:
                repeats[position] = before
            outcomes.append(Refusal(RefusalCode.DUPLICATE_ID))
            continue
        outcomes.append(_outcome(one, batch, members, work.now))
        if isinstance(one, Authentic) and batch.earlier(key_of(one)) is None:
            first[key_of(one)] = position
    answers = await _say(work, checked, outcomes, repeats)
    for key, position in first.items():
        batch.answer(key, _kept(checked[position], answers[position]))
    for position, (one, answer) in enumerate(zip(checked, answers, strict=True)):
        # Over HTTP the caller has the answer in hand already.
        if not isinstance(outcomes[position], Said) and one.incoming.place is not None:
            await tell_sender(work, one.incoming, answer)
    return answers


def _outcome(one: Authentic | Dubious, batch: Batch, members: Members, now: datetime) -> Said | Refusal | Event:
    """What is to become of one message: something to say, a refusal, or the same answer as before."""
    if isinstance(one, Dubious):
        return one.refusal
    earlier = batch.earlier(key_of(one))
    if earlier is not None:
        if earlier.digest != one.digest:
            return Refusal(RefusalCode.DUPLICATE_ID)
        return decode_event(with_manifest(earlier.answer, one.message.manifest).encode())
    try:
        decision = decide(one, batch, members, now)
        if decision.referral.version == 1:
            batch.begin(decision.referral, one.message.manifest, one.message.bodies)
        else:
            batch.change(decision.referral)
    except Refusal as refusal:
        return refusal
    cause = Cause(f"appointment:{one.manifest.appointment}", _GRANT)
    return Said(decision, Actor.parse(one.manifest.actor), one.manifest.appointment, cause, one.incoming.trace)


async def _say(
    work: Work, checked: Checked, outcomes: Sequence[Said | Refusal | Event], repeats: Mapping[int, int]
) -> list[Event]:
    emissions = {
        position: outcome.emission() if isinstance(outcome, Said) else _refusal(work, checked[position], outcome)
        for position, outcome in enumerate(outcomes)
        if not isinstance(outcome, Event) and position not in repeats
    }
    said = dict(zip(emissions, await work.emit(*emissions.values()), strict=True))
    answers: list[Event] = []
    for position, outcome in enumerate(outcomes):
        answers.append(outcome if isinstance(outcome, Event) else said[repeats.get(position, position)])
        if isinstance(outcome, Said):
            await tell_agencies(work, outcome, answers[position], {})
    return answers


def _kept(one: Authentic | Dubious, answer: Event) -> Earlier:
    text = encode_event(answer).decode()
    manifest = one.message.manifest if isinstance(one, Authentic) else ""
    return Earlier(one.digest, without_manifest(text, manifest))


def _refusal(work: Work, checked: Authentic | Dubious, refusal: Refusal) -> Emission:
    incoming = checked.incoming
    if isinstance(checked, Authentic):
        ids = ClaimedIds(message_id=checked.manifest.id, referral_id=referral_of(checked.manifest))
    else:
        ids = checked.claimed
    place = incoming.place
    data = MessageRefused(
        agency_id=incoming.agency_id,
        code=refusal.code,
        digest=checked.digest,
        message_id=ids.message_id,
        referral_id=ids.referral_id,
        topic=place.topic if place else None,
        partition=place.partition if place else None,
        offset=place.offset if place else None,
    )
    aggregate = f"message:{work.ids.new()}"
    return Emission(aggregate, data, Actor.system("referral"), trace=incoming.trace, begins=True)
