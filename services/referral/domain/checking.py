"""What can be said of an agency's message from its bytes alone: is it authentic, and is it in order."""

from dataclasses import dataclass
from datetime import datetime

from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.handles import verify_handle
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.limits import Limits
from tsunagu_contracts.manifests import (
    ActOnReferral,
    AnyManifest,
    ClaimedIds,
    ForAudit,
    ForConsent,
    claimed_ids,
)
from tsunagu_contracts.messages import AgencyMessage


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Kafka a message stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message: its exact bytes, and the agency whose topic or token it came with.

    `place` is None over HTTP, where `actor` is the token's; on Kafka the agency vouches for the actor.
    """

    raw: bytes
    agency_id: str
    place: Place | None = None
    actor: Actor | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What messages are checked against: the key that certifies handles, and the network's limits."""

    handles_key: PublicKey
    limits: Limits


@dataclass(frozen=True, slots=True)
class Dubious:
    """A message that is not certainly the agency's own words; `claimed` are ids that it says it has."""

    incoming: Incoming
    digest: str
    claimed: ClaimedIds
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Authentic:
    """A message whose every byte the agency vouches for; `refusal` says what is nevertheless wrong with it.

    `handle_id` is the certified handle of a submission that is in order.
    """

    incoming: Incoming
    digest: str
    message: AgencyMessage
    manifest: AnyManifest
    refusal: Refusal | None = None
    handle_id: str | None = None


def check(incoming: Incoming, key: PublicKey | None, rules: Rules, now: datetime) -> Authentic | Dubious:
    """Check form, limits, sender, signature, bodies and handle; `key` is the channel's agency's.

    Only what the sender itself put into the message, and its own registration, decide here: no answer tells
    what another agency has or has done.
    """
    seal = digest(incoming.raw)
    try:
        message = AgencyMessage.parse(incoming.raw, rules.limits)
    except Refusal as refusal:
        return Dubious(incoming, seal, ClaimedIds(), refusal)
    try:
        manifest = _verified(message, incoming, key, rules)
    except Refusal as refusal:
        return Dubious(incoming, seal, claimed_ids(message.manifest, limits=rules.limits), refusal)
    try:
        handle_id = _handle_of(manifest, rules, now)
    except Refusal as refusal:
        return Authentic(incoming, seal, message, manifest, refusal=refusal)
    return Authentic(incoming, seal, message, manifest, handle_id=handle_id)


def _verified(message: AgencyMessage, incoming: Incoming, key: PublicKey | None, rules: Rules) -> AnyManifest:
    if key is None:
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    manifest = message.verify(key, incoming.agency_id, rules.limits)
    if incoming.actor is not None and manifest.actor != str(incoming.actor):
        raise Refusal(RefusalCode.ACTOR_MISMATCH)
    return manifest


def _handle_of(manifest: AnyManifest, rules: Rules, now: datetime) -> str | None:
    if isinstance(manifest, ForConsent):
        raise Refusal(RefusalCode.UNKNOWN_TYPE, belongs_to="consent")
    if isinstance(manifest, ForAudit):
        raise Refusal(RefusalCode.UNKNOWN_TYPE, belongs_to="audit")
    if isinstance(manifest, ActOnReferral):
        return None
    handle = verify_handle(manifest.data.handle, rules.handles_key, now, manifest.agency_id, limits=rules.limits)
    return handle.handle_id
