"""Which changes of the topics break somebody who reads or replays them; the AsyncAPI document tells of both states."""

from collections.abc import Iterator, Mapping, Sequence

Document = Mapping[str, object]
"""An AsyncAPI document as it is read from JSON."""


def breaking_topic_changes(old: Document, new: Document) -> list[str]:
    """Name each change from `old` to `new` that breaks a reader of a topic; an empty list means there is none."""
    before, after = _mapping(old, "channels"), _mapping(new, "channels")
    found: list[str] = []
    for name in before:
        if name in after:
            found += [f"{name}: {what}" for what in _channel(_mapping(before, name), _mapping(after, name))]
        else:
            found.append(f"{name}: topic removed: the log that readers replay would end")
    senders = _mapping(new, "operations")
    for name, operation in _mapping(old, "operations").items():
        if isinstance(operation, Mapping) and operation.get("action") == "send" and name not in senders:
            found.append(f"{name}: no longer permitted: readers rely on who writes a topic")
    return found


def _channel(old: Document, new: Document) -> Iterator[str]:
    if old.get("address") != new.get("address"):
        yield f"address changed from {old.get('address')} to {new.get('address')}"
    was, now = _partitions(old), _partitions(new)
    if was != now:
        yield f"partitions changed from {was} to {now}: keys would move, and with them the order of events"
    kept, keeps = _retention(old), _retention(new)
    if keeps != kept and keeps != -1 and (kept == -1 or keeps < kept):
        yield f"retention shortened from {kept} to {keeps} ms: readers replay as far back as they were promised"
    for aggregate in _sequence(old, "x-aggregates"):
        if aggregate not in _sequence(new, "x-aggregates"):
            yield f"aggregate {aggregate} removed: its events would stand elsewhere, in another order"
    for message in _mapping(old, "messages"):
        if message not in _mapping(new, "messages"):
            yield f"message {message} removed: messages of this type stand in the log"


def _partitions(channel: Document) -> object:
    return _kafka(channel).get("partitions")


def _retention(channel: Document) -> int:
    value = _mapping(_kafka(channel), "topicConfiguration").get("retention.ms")
    return value if isinstance(value, int) else -1


def _kafka(channel: Document) -> Document:
    return _mapping(_mapping(channel, "bindings"), "kafka")


def _mapping(value: Document, name: str) -> Mapping[str, object]:
    member = value.get(name)
    return member if isinstance(member, Mapping) else {}


def _sequence(value: Document, name: str) -> Sequence[object]:
    member = value.get(name)
    return member if isinstance(member, list | tuple) else ()
