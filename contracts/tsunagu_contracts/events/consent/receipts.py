"""A person's receipts, and what the person does with one: no event ever has the code in it."""

from typing import ClassVar

from tsunagu_contracts.codes import Category, Purpose
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent.statements import RecordedBy, SpokenFor
from tsunagu_contracts.types import AgencyId, Compact, Id, Instant, Whole


class ReceiptIssued(EventData):
    """The person, or a representative, was given a receipt; its code opens the person's own door until it ends."""

    TYPE: ClassVar[str] = "receipt.issued.v1"

    record_id: Id
    number: Whole
    receipt_id: Id
    referral_id: Id
    representative_id: Id | None
    hidden_categories: tuple[Category, ...]
    hidden_agencies: tuple[AgencyId, ...]
    issued_at: Instant
    ends_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact


class ReceiptRevoked(EventData):
    """A receipt opens nothing any more."""

    TYPE: ClassVar[str] = "receipt.revoked.v1"

    record_id: Id
    number: Whole
    receipt_id: Id
    revoked_at: Instant
    recorded_by: RecordedBy
    message_id: Id
    manifest: Compact


class ReceiptViewLimited(EventData):
    """The person has said anew what no representative's receipt shows from now on; empty lists hide nothing."""

    TYPE: ClassVar[str] = "receipt.view_limited.v1"

    record_id: Id
    number: Whole
    receipt_id: Id
    hidden_categories: tuple[Category, ...]
    hidden_agencies: tuple[AgencyId, ...]
    limited_at: Instant


class StatementWithdrawnByPerson(EventData):
    """The person, or a representative, withdrew by a receipt and without an agency; it counts from its `number`.

    `recipients` null means from every agency. It is a statement of kind `withdraw`, said online.
    """

    TYPE: ClassVar[str] = "statement.withdrawn_by_person.v1"

    record_id: Id
    number: Whole
    statement_id: Id
    receipt_id: Id
    categories: tuple[Category, ...]
    recipients: tuple[AgencyId, ...] | None
    purposes: tuple[Purpose, ...]
    recorded_at: Instant
    representation: SpokenFor | None
