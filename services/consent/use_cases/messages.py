"""Agencies' signed messages to consent: authentic, by a coordinator under a valid appointment, of a party."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.consent.domain.coverage import Referral
from services.consent.storage import referrals
from services.consent.use_cases.records import Speaker
from services.eventing.work import Work
from services.membership import Appointment
from services.runtime.identity import Caller
from tsunagu_contracts import jose
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import RecordedBy
from tsunagu_contracts.manifests import ForConsent
from tsunagu_contracts.messages import AgencyMessage

M = TypeVar("M", bound=ForConsent)


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
    def speaker(self) -> Speaker:
        """The coordinator who acted, for which agency and under which appointment."""
        return Speaker(self.actor, self.manifest.agency_id, self.manifest.appointment)

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
    found = await membership.agency(session, agency_id)
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


async def appointed(work: Work, manifest: ForConsent) -> Appointment:
    """The appointment under which a message was written; refuses with the codes of `appointment_refusal`."""
    found = await membership.appointment(work.session, manifest.appointment)
    refusal = membership.appointment_refusal(found, manifest.coordinator_id, manifest.agency_id, work.now)
    if refusal is not None or found is None:
        raise Refusal(refusal or RefusalCode.APPOINTMENT_UNKNOWN)
    return found


async def party_to(session: AsyncSession, referral_id: str, agency_id: str) -> tuple[Referral, str]:
    """A referral of which the agency is a party, with the record id of its person; else `referral_unknown`."""
    referral = await referrals.load(session, referral_id)
    if referral is None or referral.record_id is None or not referral.is_party(agency_id):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    return referral, referral.record_id


def _claimed_agency(token: str) -> str:
    """The agency that a manifest claims to be from, read only to choose the key that must have signed it."""
    source = jose.unverified_payload(token).get("source")
    if not isinstance(source, str) or not source.startswith("agency/"):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="source")
    return source.removeprefix("agency/")
