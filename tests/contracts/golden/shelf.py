"""The committed golden messages: each is made once, where it is missing, and read from then on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from tsunagu_contracts import publish
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause, Event, encode_event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.examples import ExampleKeys
from tsunagu_contracts.keys import EncryptionKey, SigningKey
from tsunagu_contracts.ports import Uuid7Ids
from tsunagu_contracts.topics import topic_of

CONTRACTS = Path(publish.__file__).resolve().parents[1]

CLINIC, CLINIC_WORKER, CLINIC_APPOINTMENT = "chiyoda-clinic-a", "c-0001", "ap-0001"
DESK, DESK_WORKER, DESK_APPOINTMENT = "chiyoda-desk-fujimi", "c-0007", "ap-0007"
WARD, WARD_WORKER, WARD_APPOINTMENT = "chiyoda-ward-office", "c-0090", "ap-0090"
OWNERS = (CLINIC, DESK, WARD, "consent")
HANDLE = "handle"


class _StoryClock:
    def now(self) -> datetime:
        return at(0)


def at(minutes: int) -> datetime:
    """A moment of the story: it begins on 1 April 2026 at nine in the morning in Tokyo."""
    return datetime(2026, 4, 1, 0, 0, tzinfo=UTC) + timedelta(minutes=minutes)


def ident(name: str) -> str:
    """The UUIDv7 that stands for something of the story, always the same for one name."""
    return Uuid7Ids(_StoryClock(), lambda size: sha256(name.encode()).digest()[:size]).new()


class Shelf:
    """Golden messages by name below a folder; what is there stays as it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made: list[str] = []
        self.keys = ExampleKeys.parse(self._kept(publish.KEYS, lambda: _new_keys().to_bytes()))

    def message(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The bytes of a golden message, made now if it is missing."""
        return self._kept(f"{name}.json", make)

    def event(
        self,
        data: EventData,
        aggregate: str,
        version: int,
        minutes: int,
        actor: str,
        *,
        previous: bytes | None = None,
        cause: Cause | None = None,
        appointment: str | None = None,
    ) -> bytes:
        """The bytes of the golden event with this data."""

        def make() -> bytes:
            event = Event(
                id=ident(f"event {data.TYPE}"),
                source=f"tsunagu/{topic_of(type(data)).producer}",
                type=data.TYPE,
                time=at(minutes),
                aggregate=aggregate,
                version=version,
                previous=None if previous is None else digest(previous),
                cause=None if cause is None else str(cause),
                actor=actor,
                appointment=appointment,
                data=data,
            )
            return encode_event(event)

        return self.message(data.TYPE, make)

    def _kept(self, place: str, make: Callable[[], bytes]) -> bytes:
        path = self._folder / place
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(make())
            self.made.append(place)
        return path.read_bytes()


def _new_keys() -> ExampleKeys:
    return ExampleKeys(
        {owner: SigningKey.generate() for owner in OWNERS},
        {owner: EncryptionKey.generate() for owner in (*OWNERS, HANDLE)},
    )
