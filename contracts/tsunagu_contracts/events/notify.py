"""What `notify` says: who was told that something waits, and who has seen it."""

from collections.abc import Mapping
from typing import ClassVar

from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import AgencyId, Id, Whole


class NotificationCreated(EventData):
    """A coordinator's inbox has a new item: a message code with coded parameters, nothing personal."""

    TYPE: ClassVar[str] = "notification.created.v1"

    notification_id: Id
    coordinator_id: Id
    agency_id: AgencyId
    referral_id: Id
    referral_version: Whole
    message: Id
    parameters: Mapping[Id, Id]


class NotificationAcknowledged(EventData):
    """The coordinator has seen the item."""

    TYPE: ClassVar[str] = "notification.acknowledged.v1"

    notification_id: Id
    coordinator_id: Id
