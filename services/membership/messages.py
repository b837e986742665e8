"""Agencies' signed messages over HTTP: authentic, and by a coordinator under a valid appointment."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.work import Work
from services.membership.facts import Appointment, appointment_refusal
from services.membership.lookups import agency, appointment
from services.runtime.identity import Caller
from tsunagu_contracts import jose
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import RecordedBy
from tsunagu_contracts.manifests import AnyManifest
from tsunagu_contracts.messages import AgencyMessage

M = TypeVar("M", bound=AnyManifest)


@dataclass(frozen=True, slots=True)
class Verified(Generic[M]):
    """What an authentic message says, and the signed token it came in."""

    manifest: M
    token: str

    @property
    def actor(self) -> Actor:
        """The coordinator who acted."""
        return Actor.parse(self.manifest.actor)

    @property
    def recorded_by(self) -> RecordedBy:
        """The coordinator who wrote it down, for which agency and under which appointment."""
        return RecordedBy(
            agency_id=self.manifest.agency_id,
            coordinator_id=self.manifest.coordinator_id,
            appointment_id=self.manifest.appointment,
        )

    def says_the_same(self, token: str) -> bool:
        """Whether an earlier token has the same content: an ES256 signature is new each time it is made."""
        return token.rpartition(".")[0] == self.token.rpartition(".")[0]


async def verify(session: AsyncSession, raw: bytes, caller: Caller, kind: type[M]) -> Verified[M]:
    """Check a message's bytes against the agency's registered key, and who brings them; nothing is locked.

    Refuses with the codes of `AgencyMessage.parse` and `verify`, `unknown_type` (another kind of message),
    `agency_unknown`, `actor_mismatch` and `sender_mismatch`.
    """
    message = AgencyMessage.parse(raw)
    agency_id = _claimed_agency(message.manifest)
    found = await agency(session, agency_id)
    if found is None:
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    manifest = message.verify(found.keys.signing, agency_id)
    if not isinstance(manifest, kind):
        raise Refusal(RefusalCode.UNKNOWN_TYPE)
    if manifest.actor != str(caller.actor):
        raise Refusal(RefusalCode.ACTOR_MISMATCH)
    if caller.agency_id not in (None, manifest.agency_id):
        raise Refusal(RefusalCode.SENDER_MISMATCH)
    return Verified(manifest, message.manifest)


async def appointed(work: Work, manifest: AnyManifest) -> Appointment:
    """The appointment under which a message was written; refuses with the codes of `appointment_refusal`."""
    found = await appointment(work.session, manifest.appointment)
    refusal = appointment_refusal(found, manifest.coordinator_id, manifest.agency_id, work.now)
    if refusal is not None or found is None:
        raise Refusal(refusal or RefusalCode.APPOINTMENT_UNKNOWN)
    return found


def _claimed_agency(token: str) -> str:
    """The agency that a manifest claims to be from, read only to choose the key that must have signed it."""
    source = jose.unverified_payload(token).get("source")
    if not isinstance(source, str) or not source.startswith("agency/"):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="source")
    return source.removeprefix("agency/")
