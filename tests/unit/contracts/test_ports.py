import uuid
from datetime import UTC, datetime

from tsunagu_contracts.ports import Uuid7Ids


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return the time of RFC 9562's example."""
        return datetime.fromtimestamp(0x017F22E279B0 / 1000, UTC)


def test_ids_are_uuids_of_version_7() -> None:
    """The example of RFC 9562 appendix A.6 comes out of its time and its random bits."""
    ids = Uuid7Ids(FixedClock(), lambda size: bytes.fromhex("0cc3" + "18c4dc0c0c07398f"))
    assert ids.new() == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    assert uuid.UUID(Uuid7Ids().new()).version == 7
