"""The ids that a refused manifest claims to have."""

from pydantic import ValidationError

from tsunagu_contracts import jose
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.manifests.signing import _ID
from tsunagu_contracts.types import Frozen, Id


class ClaimedIds(Frozen):
    """The ids that a refused message claims to have; unverified, for the answer to its sender only."""

    message_id: Id | None = None
    referral_id: Id | None = None


def claimed_ids(token: str, *, limits: Limits = DEFAULT_LIMITS) -> ClaimedIds:
    """Return what ids can be read from a manifest that may be refused for any reason; never raises."""
    try:
        content = jose.unverified_payload(token, limits=limits)
    except Refusal:
        return ClaimedIds()
    data = content.get("data")
    referral_id = data.get("referral_id") if isinstance(data, dict) else None
    return ClaimedIds(message_id=_id_or_none(content.get("id")), referral_id=_id_or_none(referral_id))


def _id_or_none(value: object) -> str | None:
    try:
        return _ID.validate_python(value, strict=True)
    except ValidationError:
        return None
