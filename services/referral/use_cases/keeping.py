"""Bodies outlive their referral only for a set time."""

from datetime import timedelta

from services.eventing.work import Work
from services.referral.storage import bodies

_AT_ONCE = 1000


async def delete_due_bodies(work: Work, kept: timedelta) -> None:
    """Delete the bodies of referrals that closed at least `kept` ago, up to a thousand referrals at once."""
    await bodies.delete_due(work.session, work.now - kept, work.now, _AT_ONCE)
