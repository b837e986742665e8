"""Every event that services say, found by its type; the module an event stands in is its producer's."""

from tsunagu_contracts.events import audit, consent, directory, notify, referral
from tsunagu_contracts.events.base import EventData


def _declared(module: object) -> tuple[type[EventData], ...]:
    return tuple(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, EventData) and "TYPE" in vars(value)
    )


EVENTS_BY_PRODUCER: dict[str, tuple[type[EventData], ...]] = {
    "directory": _declared(directory),
    "referral": _declared(referral),
    "consent": _declared(consent),
    "notify": _declared(notify),
    "audit": _declared(audit),
}
"""Event data classes by the service that says them."""

EVENTS: dict[str, type[EventData]] = {data.TYPE: data for group in EVENTS_BY_PRODUCER.values() for data in group}
"""Event data classes by CloudEvents `type`."""
