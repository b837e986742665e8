"""Recording that an agency's authentic message about evidence was refused, so that trying leaves a trace."""

from services.eventing.work import Emission, Work
from services.membership.messages import M, Verified
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.events.audit import EvidenceRefused


async def record(work: Work, verified: Verified[M], code: RefusalCode) -> None:
    """Say that this message was refused."""
    manifest = verified.manifest
    refused = EvidenceRefused(
        attempt_id=work.ids.new(),
        agency_id=manifest.agency_id,
        coordinator_id=manifest.coordinator_id,
        message_id=manifest.id,
        kind=manifest.TYPE,
        digest=digest(verified.token),
        code=code,
        refused_at=work.now,
    )
    await work.emit(Emission(f"attempt:{refused.attempt_id}", refused, verified.actor))
