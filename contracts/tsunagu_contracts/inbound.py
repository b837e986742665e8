"""What an agency reads from the network: an event of a referral, and the sealed bodies that come with a delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pydantic_core import to_json

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Event, encode_event, event_of
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.strict_json import parse_object


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message to an agency: an event of `referral`, and each section's body as a JWE by section id."""

    event: Event
    bodies: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a message's bytes; other members of the object are ignored.

        Codes: as for `decode_event`, and `invalid_content` (no event, or bodies that are no texts).
        """
        members = parse_object(raw)
        event, bodies = members.get("event"), members.get("bodies", {})
        if not isinstance(event, dict):
            raise Refusal(RefusalCode.INVALID_CONTENT, where="event")
        if not isinstance(bodies, dict):
            raise Refusal(RefusalCode.INVALID_CONTENT, where="bodies")
        return cls(event_of(event), {section_id: _text(body) for section_id, body in bodies.items()})

    def to_bytes(self) -> bytes:
        """Return the bytes that `parse` reads; the event stands in them byte for byte as on its topic."""
        return b'{"event":' + encode_event(self.event) + b',"bodies":' + to_json(dict(self.bodies)) + b"}"


def _text(body: object) -> str:
    if not isinstance(body, str):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="bodies")
    return body
