"""Recording that an agency's authentic message was refused, so that trying leaves a trace."""

from services.consent.use_cases.messages import M, Verified
from services.eventing.work import Emission, Work
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.events.consent import RequestRefused


async def record(work: Work, verified: Verified[M], code: RefusalCode) -> None:
    """Say that this message was refused, on no person's record: it may name one that does not exist."""
    manifest = verified.manifest
    refused = RequestRefused(
        refusal_id=work.ids.new(),
        agency_id=manifest.agency_id,
        coordinator_id=manifest.coordinator_id,
        message_id=manifest.id,
        kind=manifest.TYPE,
        digest=digest(verified.token),
        code=code,
        refused_at=work.now,
    )
    await work.emit(Emission(f"refusal:{refused.refusal_id}", refused, verified.actor))
