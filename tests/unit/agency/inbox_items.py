"""Items of the desk's inbox: what the network says of the desk's own messages."""

from tests.builders.agency_messages import IDS, NOW
from tests.unit.agency.fake_services import CLINIC, DESK
from tsunagu_agency import Area, Inbound, OutgoingMessage, Purpose
from tsunagu_contracts.codes import ReferralState, RefusalCode, Urgency
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.referral import Accountable, MessageRefused, ReferralAccepted
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.messages import AgencyMessage


def said(data: ReferralAccepted | MessageRefused, aggregate: str) -> Inbound:
    """An item of the inbox."""
    event = Event(
        id=IDS.new(),
        source="tsunagu/referral",
        type=data.TYPE,
        time=NOW,
        aggregate=aggregate,
        version=1,
        previous=None,
        actor="system:referral",
        data=data,
    )
    return Inbound.read(InboundMessage(event).to_bytes())


def refused(message: OutgoingMessage, code: RefusalCode) -> Inbound:
    """What the inbox says when the network has refused a message of the desk."""
    data = MessageRefused(agency_id=DESK.id, code=code, digest=digest(message.raw), message_id=message.message_id)
    return said(data, f"message:{IDS.new()}")


def taken(message: OutgoingMessage) -> Inbound:
    """What the inbox says when the network has acted on a message of the desk."""
    data = ReferralAccepted(
        referral_id=message.referral_id,
        state=ReferralState.ACCEPTED,
        sender=CLINIC.id,
        addressee=DESK.id,
        handle_id="h-1",
        purpose=Purpose.ASSESSMENT,
        area=Area.FUJIMI,
        urgency=Urgency.ROUTINE,
        accountable=Accountable(agency_id=DESK.id, coordinator_id="c-0002", appointment_id="ap-0002"),
        message_id=message.message_id,
        manifest=AgencyMessage.parse(message.raw).manifest,
    )
    return said(data, f"referral:{message.referral_id}")
