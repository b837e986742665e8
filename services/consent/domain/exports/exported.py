"""What one reader gets of one statement, whatever the format."""

from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.exports.standing import Standing
from tsunagu_contracts.events.consent import StatementRecorded
from tsunagu_contracts.manifests import Notice


@dataclass(frozen=True, slots=True)
class Countersigned:
    """An agency vouches for a statement, from this moment on."""

    agency_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Exported:
    """A statement with the notice that was shown, how it stands, and who has confirmed it.

    The person is the handle of the statement's referral. The record's id and number are in no export: a record is
    never named to an agency, and numbers count what others do.
    """

    said: StatementRecorded
    notice: Notice
    handle_id: str
    standing: Standing
    confirmations: tuple[StatementRecorded, ...] = ()
    countersigned: tuple[Countersigned, ...] = ()
