"""Taking agencies' messages: one path for Kafka and HTTP, a batch at a time, each message answered once.

The order of checks keeps what one agency may learn to what is its own: form, sender, signature, bodies and
handle; then its own earlier messages; then its appointment and addressee; and of a referral only a party
learns that it exists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services import membership
from services.eventing.work import Emission, Work
from services.referral.domain.checking import Authentic, Dubious, Incoming, Rules, check, touches
from services.referral.storage import bodies, messages, referrals
from services.referral.storage.messages import Earlier, MessageKey
from services.referral.use_cases.deciding import decide, load_known
from services.referral.use_cases.telling import Said, moved, tell_agencies, tell_sender
from services.referral.use_cases.turns import in_turns
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause, Event, decode_event, encode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import MessageRefused
from tsunagu_contracts.manifests import ClaimedIds

# The grant is an appointment's first version: whoever has seen it knows under what was acted.
_GRANT = 1


@dataclass(slots=True)
class _Turn:
    """The messages of one turn by position, sorted into what becomes of them."""

    refused: dict[int, Refusal] = field(default_factory=dict)
    repeated: dict[int, Event] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)


async def take_messages(work: Work, incoming: Sequence[Incoming], rules: Rules) -> list[Event]:
    """Take a batch of messages; returns for each the event that answers it, `message.refused` among them.

    Nothing is raised for what is wrong with a message, so that its neighbours are not touched.
    """
    keys = await membership.agency_keys(work.session, {one.agency_id for one in incoming})
    # All cryptography comes before the first lock.
    checked = [
        check(one, keys[one.agency_id].signing if one.agency_id in keys else None, rules, work.now) for one in incoming
    ]
    answers: dict[int, Event] = {}
    for positions in in_turns([touches(one) for one in checked]):
        answers |= await _take_turn(work, {position: checked[position] for position in positions})
    return [answers[position] for position in range(len(incoming))]


async def _take_turn(work: Work, checked: Mapping[int, Authentic | Dubious]) -> dict[int, Event]:
    turn = _Turn()
    authentic = {position: one for position, one in checked.items() if isinstance(one, Authentic)}
    turn.refused |= {position: one.refusal for position, one in checked.items() if isinstance(one, Dubious)}
    fresh = await _fresh(work, authentic, turn)
    await _decide(work, fresh, turn)
    await _write(work, fresh, turn)
    return await _answer(work, checked, fresh, turn)


async def _fresh(work: Work, authentic: Mapping[int, Authentic], turn: _Turn) -> dict[int, Authentic]:
    """Claim the messages' ids: the same bytes again get the same answer, other bytes are refused."""
    digests = {_key(one): one.digest for one in authentic.values()}
    free = await messages.claim(work.session, digests, work.now)
    known = await messages.earlier(work.session, digests.keys() - free)
    fresh: dict[int, Authentic] = {}
    for position, one in authentic.items():
        before: Earlier | None = known.get(_key(one))
        if before is None:
            fresh[position] = one
        elif before.digest == one.digest:
            turn.repeated[position] = decode_event(before.answer.encode())
        else:
            turn.refused[position] = Refusal(RefusalCode.DUPLICATE_ID)
    return fresh


async def _decide(work: Work, fresh: Mapping[int, Authentic], turn: _Turn) -> None:
    """Decide on every fresh message, with one query per kind of thing that the decisions need."""
    known = await load_known(work.session, [one.manifest for one in fresh.values()])
    for position, one in fresh.items():
        try:
            decision = decide(one, known, work.now)
        except Refusal as refusal:
            turn.refused[position] = refusal
        else:
            cause = Cause(f"appointment:{one.manifest.appointment}", _GRANT)
            actor = Actor.parse(one.manifest.actor)
            turn.said[position] = Said(decision, actor, one.manifest.appointment, cause, one.incoming.trace)


async def _write(work: Work, fresh: Mapping[int, Authentic], turn: _Turn) -> None:
    """Write new referrals with their bodies, and those that moved; a taken id or handle becomes a refusal."""
    begun = {position: said for position, said in turn.said.items() if said.decision.referral.version == 1}
    manifests = {
        said.decision.referral.referral_id: fresh[position].message.manifest for position, said in begun.items()
    }
    inserted = await referrals.insert(work.session, moved(list(begun.values())), manifests, work.now)
    if len(inserted) < len(begun):
        taken = await referrals.existing(work.session, manifests.keys() - inserted)
        for position, said in begun.items():
            referral_id = said.decision.referral.referral_id
            if referral_id not in inserted:
                del turn.said[position]
                exists = referral_id in taken
                code = RefusalCode.REFERRAL_EXISTS if exists else RefusalCode.HANDLE_ALREADY_USED
                turn.refused[position] = Refusal(code)
    await bodies.store(
        work.session,
        {
            said.decision.referral.referral_id: fresh[position].message.bodies
            for position, said in begun.items()
            if position in turn.said
        },
    )
    changed = [said for position, said in turn.said.items() if position not in begun]
    await referrals.update(work.session, moved(changed), {}, work.now)


async def _answer(
    work: Work, checked: Mapping[int, Authentic | Dubious], fresh: Mapping[int, Authentic], turn: _Turn
) -> dict[int, Event]:
    """Say what was decided and refused, tell the agencies, and keep the answers by message id."""
    emissions = {position: said.emission() for position, said in turn.said.items()}
    for position, refusal in turn.refused.items():
        emissions[position] = _refusal(work, checked[position], refusal)
    events = await work.emit(*emissions.values())
    answers = dict(zip(emissions, events, strict=True))
    for position, said in turn.said.items():
        await tell_agencies(work, said, answers[position], {})
    await messages.answer(
        work.session,
        {_key(one): encode_event(answers[position]).decode() for position, one in fresh.items()},
    )
    answers |= turn.repeated
    for position in (*turn.refused, *turn.repeated):
        # Over HTTP the caller has the answer in hand already.
        if checked[position].incoming.place is not None:
            await tell_sender(work, checked[position].incoming, answers[position])
    return answers


def _refusal(work: Work, checked: Authentic | Dubious, refusal: Refusal) -> Emission:
    incoming = checked.incoming
    if isinstance(checked, Authentic):
        ids = ClaimedIds(message_id=checked.manifest.id, referral_id=checked.manifest.data.referral_id)
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
    return Emission(f"message:{work.ids.new()}", data, Actor.system("referral"), trace=incoming.trace)


def _key(one: Authentic) -> MessageKey:
    return MessageKey(one.incoming.agency_id, one.manifest.id)
