"""An agency's record book: what it has provided (個人情報保護法29条) and received (30条), under its own local names."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from tsunagu_agency.client import AgencyClient
from tsunagu_agency.duties import Opening
from tsunagu_agency.errors import ConfigurationError
from tsunagu_agency.files import read_json
from tsunagu_agency.outgoing import ActingCoordinator
from tsunagu_agency.provisions.book_file import BookFile
from tsunagu_agency.provisions.records import Counterpart, ProvisionRecord, Pruned
from tsunagu_contracts.codes import Acquisition, ProvisionSide
from tsunagu_contracts.manifests import MOST_RECORDS, RecordKept
from tsunagu_contracts.ports import Clock, SystemClock
from tsunagu_contracts.provisions import AgreedFacts

LEAST_YEARS = 3
"""For how many years the law wants a record kept (施行規則21条3号, 25条3号)."""

_OVERLAP = timedelta(hours=1)
"""How far back the book looks: a release's id is made a moment before it commits, and another may overtake it."""

LocalName = Callable[[str], str | None]
"""The agency's own name for whom a referral (by its id) is about; None where it does not know it."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """How many records are new, and how many of all lack a name or the way of acquisition."""

    new: int
    incomplete: int


class ProvisionBook:
    """The record book in an agency's folder; what a call has written is on the disk when it returns.

    Names never leave the folder: `audit` is told ids and digests. Everything raises `BookFileError` when the disk or
    the file fails.
    """

    def __init__(self, folder: str | Path, *, clock: Clock | None = None) -> None:
        """Take the agency's folder; `retention_years` in its `provisions.json` is for how long records are kept."""
        self._folder = Path(folder)
        self._file = BookFile(self._folder)
        self._clock = clock or SystemClock()

    def __enter__(self) -> Self:
        """Return the book; its file is opened when it is first needed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def name(self, referral_id: str, person: str, *, acquisition: Acquisition | None = None) -> None:
        """Say whom a referral is about, when it is sealed or first opened.

        On the receiving side `acquisition` is how the sender had come by what is in it, as the agency has confirmed.
        """
        self._file.name(referral_id, person, acquisition)

    async def catch_up(
        self, client: AgencyClient, *, by: ActingCoordinator, local_name: LocalName = lambda _: None
    ) -> CaughtUp:
        """Make the records of everything opened since last time; may be cut off and repeated at any point.

        `local_name` is asked for referrals of which `name` has not told. Raises as `AgencyClient.submit`.
        """
        known: dict[str, Counterpart] = {}
        new, until = 0, self._file.caught_up()
        after: str | None = "" if until is None else _before_all_since(until - _OVERLAP)
        while after is not None:
            page = await client.openings.page(after=after, by=by)
            for agency_id in {each.counterpart for each in page.items} - known.keys():
                known[agency_id] = await _counterpart(client, agency_id)
            now = self._clock.now()
            records = [_record(each, client.agency_id, known[each.counterpart], now) for each in page.items]
            if records:
                new += self._file.add(records, max(each.decided_at for each in page.items))
            after = page.next
        incomplete = self._file.incomplete()
        for referral_id in {each.facts.referral_id for each in incomplete if each.person is None}:
            person = local_name(referral_id)
            if person is not None:
                self._file.name(referral_id, person, None)
        return CaughtUp(new, len(self._file.incomplete()))

    async def report(self, client: AgencyClient, *, by: ActingCoordinator) -> int:
        """Tell `audit` of complete records that it has not been told of, by ids and digests; returns how many.

        May be cut off and repeated: what was told twice counts once. Raises as `AgencyClient.submit`.
        """
        told = 0
        for side in ProvisionSide:
            while records := self._file.unreported(side, MOST_RECORDS):
                kept = [RecordKept(release_id=each.release_id, digest=each.facts.digest) for each in records]
                receipt = await client.openings.report(side, kept, by=by)
                self._file.note_reported(records, receipt.reported_at)
                told += len(records)
        return told

    def records(self, since: datetime, until: datetime) -> list[ProvisionRecord]:
        """Return the records of openings from a moment on and before another, oldest first."""
        return self._file.between(since, until)

    def incomplete(self) -> list[ProvisionRecord]:
        """Return the records that lack a local name or, on the receiving side, the way of acquisition."""
        return self._file.incomplete()

    @property
    def retention_years(self) -> int:
        """For how many years records are kept, by setting; raises `ConfigurationError` for less than the law wants."""
        path = self._folder / "provisions.json"
        years = read_json(path).get("retention_years", LEAST_YEARS) if path.exists() else LEAST_YEARS
        if not isinstance(years, int) or isinstance(years, bool) or years < LEAST_YEARS:
            raise ConfigurationError(path, f"retention_years must be a whole number of at least {LEAST_YEARS}")
        return years

    def prune(self) -> Pruned:
        """Remove the records that were made longer ago than they are to be kept, and say what was removed."""
        now = self._clock.now()
        day = 28 if (now.month, now.day) == (2, 29) else now.day
        return self._file.prune(now.replace(year=now.year - self.retention_years, day=day))


async def _counterpart(client: AgencyClient, agency_id: str) -> Counterpart:
    body = await client.openings.counterpart(agency_id)
    return Counterpart(agency_id, body.name, body.tsunagu.kind, body.legal_status, body.address, body.representative)


def _record(opening: Opening, own: str, counterpart: Counterpart, now: datetime) -> ProvisionRecord:
    facts = AgreedFacts(
        opening.release_id,
        opening.referral_id,
        opening.section_id,
        opening.category,
        opening.purpose,
        opening.counterpart if opening.side is ProvisionSide.PROVIDED else own,
        opening.statement_id,
        opening.decided_at,
    )
    return ProvisionRecord(opening.side, facts, counterpart, now, None, None, None)


def _before_all_since(at: datetime) -> str:
    """What sorts before every id (UUIDv7, RFC 9562) that was made from a moment on."""
    milliseconds = f"{max(0, int(at.timestamp() * 1000)):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"
