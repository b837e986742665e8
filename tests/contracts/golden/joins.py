"""Two records of the story that are one person's: by a card, and apart again."""

from tests.contracts.golden.messages import REFERRAL
from tests.contracts.golden.shelf import CLINIC, CLINIC_APPOINTMENT, CLINIC_WORKER, Shelf, at, ident
from tsunagu_contracts.cards import IssuedCard, ShownCard, seal_shown_card
from tsunagu_contracts.codes import JoinMethod, UnjoinReason
from tsunagu_contracts.events.consent import RecordedBy, RecordJoined, RecordUnjoined
from tsunagu_contracts.manifests import (
    AnyManifest,
    CardWanted,
    HandlesJoined,
    HandlesUnjoined,
    IssueCard,
    JoinHandles,
    UnjoinHandles,
    sign_manifest,
)
from tsunagu_contracts.messages import AgencyMessage

_SECRET = "A" * 22
_RECORD, _OTHER = ident("joined record"), ident("other joined record")


def joined_and_unjoined(shelf: Shelf) -> None:
    """Make or read the messages about cards and joins, what stands in their tokens, and the events of one record."""
    shown = ShownCard(sender=CLINIC, secret=_SECRET)
    shelf.message("token.shown_card", shown.written)
    issued = IssuedCard(referral_id=REFERRAL, expires_at=at(60 * 24 * 365), secret=_SECRET)
    shelf.message("token.issued_card", issued.written)
    clinic = {
        "source": f"agency/{CLINIC}",
        "actor": f"coordinator:{CLINIC_WORKER}",
        "appointment": CLINIC_APPOINTMENT,
    }
    _message(shelf, IssueCard(id=ident("message card"), time=at(5), data=CardWanted(referral_id=REFERRAL), **clinic))
    card = seal_shown_card(shown, shelf.keys.encryption["consent"].public)
    made = HandlesJoined(join_id=ident("join"), referral_id=REFERRAL, card=card)
    joined = _message(shelf, JoinHandles(id=ident("message join"), time=at(10), data=made, **clinic))
    mistake = HandlesUnjoined(join_id=ident("join"), reason=UnjoinReason.CARD_OF_ANOTHER)
    unjoined = _message(shelf, UnjoinHandles(id=ident("message unjoin"), time=at(20), data=mistake, **clinic))
    facts = {
        "record_id": _RECORD,
        "join_id": ident("join"),
        "other_record_id": _OTHER,
        "recorded_by": RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT),
    }
    by = {"how": JoinMethod.CARD, "joined_at": at(10), "message_id": ident("message join"), "manifest": joined}
    first = RecordJoined.model_validate(facts | by | {"number": 3, "other_number": 7})
    why = {"reason": UnjoinReason.CARD_OF_ANOTHER, "unjoined_at": at(20), "message_id": ident("message unjoin")}
    then = RecordUnjoined.model_validate(facts | why | {"number": 4, "other_number": 8, "manifest": unjoined})
    aggregate, actor = f"record:{_RECORD}", f"coordinator:{CLINIC_WORKER}"
    earlier = shelf.event(first, aggregate, 3, 10, actor, previous=b"", appointment=CLINIC_APPOINTMENT)
    shelf.event(then, aggregate, 4, 20, actor, previous=earlier, appointment=CLINIC_APPOINTMENT)


def _message(shelf: Shelf, manifest: AnyManifest) -> str:
    """The token of a message of the clinic, made now if it is missing."""
    raw = shelf.message(
        manifest.type, lambda: AgencyMessage(sign_manifest(manifest, shelf.keys.signing[CLINIC])).to_bytes()
    )
    return AgencyMessage.parse(raw).manifest
