"""That a person is to be erased: by a supervisor of an agency that has a referral of them, and never taken back."""

from datetime import datetime

from tsunagu_agency.outgoing import ActingCoordinator, Announcement, MessageWriter
from tsunagu_contracts.codes import StatementMethod
from tsunagu_contracts.manifests import ErasePerson, ErasureAsked, Notice


def write_erasure(
    writer: MessageWriter,
    referral_id: str,
    *,
    by: ActingCoordinator,
    how: StatementMethod,
    notice: Notice,
    stated_at: datetime | None = None,
) -> Announcement:
    """Sign that the person of a referral asked to be erased, by default just now."""
    now = writer._clock.now()
    erasure_id = writer._ids.new()
    manifest = ErasePerson(
        id=writer._ids.new(),
        source=writer._source,
        time=now,
        actor=by.actor,
        appointment=by.appointment_id,
        data=ErasureAsked(
            erasure_id=erasure_id, referral_id=referral_id, how=how, notice=notice, stated_at=stated_at or now
        ),
    )
    return Announcement(manifest.id, erasure_id, writer._bytes(manifest, {}))
