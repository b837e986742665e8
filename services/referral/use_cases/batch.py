"""What a batch finds of messages and referrals, and what becomes of them in it: read once, written once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from services.eventing.work import Work
from services.referral.domain.checking import Authentic, Dubious
from services.referral.domain.referral import Referral
from services.referral.storage import bodies, messages, reading, referrals
from services.referral.storage.messages import Earlier, MessageKey
from services.referral.storage.reading import Found
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.manifests import ActOnReferral, SubmitReferral


@dataclass(slots=True)
class Batch:
    """Messages and referrals as they stand after what has been decided so far."""

    _found: Found
    _begun: set[str] = field(default_factory=set)
    _changed_from: dict[str, int] = field(default_factory=dict)
    _deliveries: dict[str, str] = field(default_factory=dict)
    _answers: dict[MessageKey, Earlier] = field(default_factory=dict)

    @classmethod
    async def read(cls, work: Work, checked: Sequence[Authentic | Dubious], covered: Collection[str] = ()) -> Self:
        """Read what deciding on these messages, and on new coverage of these referrals, needs."""
        authentic = [one for one in checked if isinstance(one, Authentic)]
        found = await reading.find(
            work,
            {key_of(one) for one in authentic},
            {
                one.manifest.data.referral_id: one.handle_id
                for one in authentic
                if one.handle_id is not None and isinstance(one.manifest, SubmitReferral)
            },
            {one.manifest.data.referral_id for one in authentic if isinstance(one.manifest, ActOnReferral)}
            | set(covered),
        )
        if not work.locks:
            work.rely_on(found.heads)
        return cls(found)

    def earlier(self, key: MessageKey) -> Earlier | None:
        """What became of an earlier message with this id; None when the id is free."""
        return self._found.earlier.get(key)

    def referral(self, referral_id: str) -> Referral | None:
        """A referral as it stands now; None when it is unknown."""
        return self._found.referrals.get(referral_id)

    def manifest(self, referral_id: str) -> str:
        """The sender's manifest of a referral that has not been delivered yet."""
        return self._found.manifests.get(referral_id, "")

    def sealed(self, referral_id: str) -> Mapping[str, str]:
        """The bodies of a referral that has not been delivered yet, in the order of their section ids."""
        return dict(sorted(self._found.bodies.get(referral_id, {}).items()))

    def begin(self, referral: Referral, manifest: str, sealed: Mapping[str, str]) -> None:
        """Add a new referral; refuses with `referral_exists` or `handle_already_used` where one of the two is taken."""
        found, referral_id = self._found, referral.referral_id
        if referral_id in found.taken_ids:
            raise Refusal(RefusalCode.REFERRAL_EXISTS)
        if referral.handle_id in found.taken_handles:
            raise Refusal(RefusalCode.HANDLE_ALREADY_USED)
        found.taken_ids.add(referral_id)
        found.taken_handles.add(referral.handle_id)
        found.referrals[referral_id] = referral
        found.manifests[referral_id] = manifest
        found.bodies[referral_id] = dict(sealed)
        self._begun.add(referral_id)

    def change(self, referral: Referral) -> None:
        """Let a referral stand otherwise than before."""
        before = self._found.referrals[referral.referral_id]
        if referral.referral_id not in self._begun:
            self._changed_from.setdefault(referral.referral_id, before.version)
        self._found.referrals[referral.referral_id] = referral

    def deliver(self, referral_id: str, event: str) -> None:
        """Note the event that delivers a referral."""
        self._deliveries[referral_id] = event

    def answer(self, key: MessageKey, answered: Earlier) -> None:
        """Note what answers a message, so that it is answered the same way when it comes again."""
        self._answers[key] = answered
        self._found.earlier[key] = answered

    def write(self, work: Work) -> None:
        """Write all of it when the work is saved, provided that what was read still stands."""
        now, manifests = self._found.referrals, self._found.manifests
        referrals.insert(work, [now[each] for each in sorted(self._begun)], manifests, self._deliveries)
        bodies.store(work, {each: self._found.bodies[each] for each in self._begun})
        changed = [now[each] for each in sorted(self._changed_from)]
        referrals.update(work, changed, self._changed_from, manifests, self._deliveries)
        messages.keep(work, self._answers)


def key_of(one: Authentic) -> MessageKey:
    """By what an authentic message is known again."""
    return MessageKey(one.incoming.agency_id, one.manifest.id)
