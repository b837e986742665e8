"""What agencies said to consent and was refused."""

from typing import ClassVar

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import AgencyId, Digest, Id, Instant


class RequestRefused(EventData):
    """An agency's authentic message was refused and changed nothing; `digest` is that of its signed manifest.

    `kind` is the manifest's CloudEvents type.
    """

    TYPE: ClassVar[str] = "request.refused.v1"

    refusal_id: Id
    agency_id: AgencyId
    coordinator_id: Id
    message_id: Id
    kind: Id
    digest: Digest
    code: RefusalCode
    refused_at: Instant
