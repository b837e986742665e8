"""An agency's record book: made from its openings, under its own names, kept, printed, reported without names."""

import csv
import io
import json
import sqlite3
import stat
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.builders.agency_messages import NOW, SendingAgency
from tests.unit.agency.fake_services import CLINIC, DESK, FakeServices
from tsunagu_agency import ActingCoordinator, AgencyClient, ProblemError
from tsunagu_agency.errors import BookFileError, ConfigurationError
from tsunagu_agency.files import write_private
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.provisions import ProvisionBook, to_csv, to_page
from tsunagu_agency.provisions.__main__ import main
from tsunagu_contracts.codes import Acquisition
from tsunagu_contracts.manifests import ReportProvisions
from tsunagu_contracts.messages import AgencyMessage

PERSON = "見本 花子"
BY = ActingCoordinator(coordinator_id=DESK.coordinator, appointment_id=DESK.appointment)
ALL = (NOW - timedelta(days=1), NOW + timedelta(days=9999))


@dataclass
class SetClock:
    """A clock that stands until it is set."""

    at: datetime = NOW

    def now(self) -> datetime:
        """Tell the time it was set to."""
        return self.at


def opening(number: int, at: datetime, side: str = "received", referral: str = "r-1") -> dict[str, object]:
    """One opening as consent lists it, with an id (UUIDv7) of its moment."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    return {
        "side": side,
        "release_id": f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-{number:012x}",
        "referral_id": referral,
        "section_id": f"s-{number}",
        "category": "health",
        "purpose": "assessment",
        "counterpart": CLINIC.id,
        "statement_id": "st-1",
        "decided_at": at.isoformat(),
    }


@dataclass
class Network:
    """Consent, directory and audit as a book meets them: what was opened, in pages of two; what was reported."""

    openings: list[dict[str, object]] = field(default_factory=list)
    reports: list[ReportProvisions] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    name: str = "見本診療所"
    fail_after: int = 10**6

    def client(self, folder: Path, agency: SendingAgency = DESK) -> AgencyClient:
        """The client of an agency that has this folder."""
        keys = {"signing": agency.signing.private_jwk(), "encryption": agency.encryption.private_jwk()}
        write_private(folder / "keys.json", json.dumps({"agency_id": agency.id, **keys}).encode())
        network = FakeServices().network()
        services = {**network.services, "audit": "http://audit.test"}
        known = type(network)(network.kafka, services, network.handles_key, network.person_ref_key)
        return AgencyClient(Keystore.open(folder), known, clock=SetClock(), transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as the services do."""
        if len(self.asked) >= self.fail_after:
            return httpx.Response(503, json={"code": "try_again_later"})
        self.asked.append(str(request.url))
        if request.url.path == "/provisions":
            after = request.url.params["after"]
            found = sorted((each for each in self.openings if str(each["release_id"]) > after), key=_release_id)[:2]
            return httpx.Response(
                200, json={"items": found, "next": _release_id(found[-1]) if len(found) == 2 else None}
            )
        if request.url.path == "/provision-records":
            manifest = AgencyMessage.parse(request.content).verify(DESK.signing.public, DESK.id)
            assert isinstance(manifest, ReportProvisions)
            self.reports.append(manifest)
            return httpx.Response(201, json={"report_id": "rp-1", "reported_at": NOW.isoformat()})
        body = {
            "name": self.name,
            "legal_status": "医療法人",
            "contacts": [{"name": "見本 太郎", "title": "代表者"}],
            "locations": [{"addresses": [{"address_1": "富士見0-0", "city": "千代田区", "state_province": "東京都"}]}],
            "tsunagu": {"kind": "clinic", "signing_key": CLINIC.signing.public.jwk()},
        }
        return httpx.Response(200, json=body)


def _release_id(opened: dict[str, object]) -> str:
    return str(opened["release_id"])


@pytest.fixture
def services() -> Network:
    """Two openings of one referral."""
    return Network([opening(1, NOW), opening(2, NOW + timedelta(minutes=1))])


async def test_records_are_made_from_what_was_opened(services: Network, tmp_path: Path) -> None:
    """With the other side as the directory has it, under the local name; a second time nothing is new."""
    with ProvisionBook(tmp_path, clock=SetClock()) as book:
        book.name("r-1", PERSON, acquisition=Acquisition.FROM_THE_PERSON)
        for new in (2, 0):
            assert (await book.catch_up(services.client(tmp_path), by=BY)).new == new
        first, _ = book.records(*ALL)

    assert (first.person, first.acquisition, first.is_complete) == (PERSON, Acquisition.FROM_THE_PERSON, True)
    assert (first.counterpart.name, first.counterpart.representative) == ("見本診療所", "見本 太郎")
    assert first.counterpart.address == "東京都千代田区富士見0-0"
    assert (first.facts.recipient, first.recorded_at) == (DESK.id, NOW)
    assert stat.S_IMODE((tmp_path / "provisions.sqlite3").stat().st_mode) == 0o600


async def test_an_opening_that_commits_late_is_not_passed_over(services: Network, tmp_path: Path) -> None:
    """An id older than the last one seen may appear afterwards, and a catch-up that was cut off is gone on with."""
    with ProvisionBook(tmp_path, clock=SetClock()) as book:
        services.fail_after = 2
        with pytest.raises(ProblemError):
            await book.catch_up(services.client(tmp_path), by=BY)
        assert len(book.records(*ALL)) == 2
        services.fail_after = 10**6
        services.openings.append(opening(0, NOW - timedelta(minutes=1)))

        assert (await book.catch_up(services.client(tmp_path), by=BY)).new == 1


async def test_only_complete_records_are_reported_and_without_names(services: Network, tmp_path: Path) -> None:
    """What lacks a name or the way of acquisition waits; audit is told ids and digests, once."""
    services.openings.append(opening(3, NOW, "provided", "r-2"))
    client = services.client(tmp_path)
    with ProvisionBook(tmp_path, clock=SetClock()) as book:
        caught_up = await book.catch_up(client, by=BY, local_name=lambda referral_id: f"{PERSON} {referral_id}")
        assert (caught_up.new, caught_up.incomplete) == (3, 2)
        assert await book.report(client, by=BY) == 1
        book.name("r-1", PERSON, acquisition=Acquisition.OWN_RECORDS)
        assert (await book.report(client, by=BY), await book.report(client, by=BY)) == (2, 0)
        digests = {each.release_id: each.facts.digest for each in book.records(*ALL)}

    assert [report.data.side for report in services.reports] == ["provided", "received"]
    kept = {each.release_id: each.digest for report in services.reports for each in report.data.records}
    assert kept == digests
    assert PERSON not in "".join(report.model_dump_json() for report in services.reports)


async def test_the_spreadsheet_runs_nothing(services: Network, tmp_path: Path) -> None:
    """Excel can read it, and no name is a formula, however it begins."""
    services.name = '＝HYPERLINK("http://x")'
    with ProvisionBook(tmp_path, clock=SetClock()) as book:
        book.name("r-1", ' =cmd|" /C calc"!A0')
        await book.catch_up(services.client(tmp_path), by=BY)
        raw = to_csv(book.records(*ALL))

    assert raw.startswith(b"\xef\xbb\xbf")
    head, first, _ = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    told = dict(zip(head, first, strict=True))
    assert told["本人"] == '\' =cmd|" /C calc"!A0'
    assert told["相手の名称"].startswith("'＝")
    assert (told["区分"], told["情報の項目"], told["取得の経緯"]) == ("受領（30条）", "健康・医療", "未記入")


async def test_the_page_shows_names_as_text(services: Network, tmp_path: Path) -> None:
    """Names are escaped, columns and rows have their headings, and what is incomplete is said."""
    services.name = "<script>alert(1)</script>"
    with ProvisionBook(tmp_path, clock=SetClock()) as book:
        await book.catch_up(services.client(tmp_path), by=BY)
        page = to_page(book.records(*ALL), agency=DESK.id, since=NOW.date(), last=NOW.date())

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert '<html lang="ja">' in page
    assert page.count('scope="col"') == 15
    assert page.count('scope="row"') == 2
    assert "未記入のある記録が 2 件あります" in page


async def test_records_are_kept_for_their_time_and_then_removed(services: Network, tmp_path: Path) -> None:
    """Three years at least, more by setting; what was removed is said, with its names, and does not come back."""
    clock = SetClock()
    client = services.client(tmp_path)
    with ProvisionBook(tmp_path, clock=clock) as book:
        book.name("r-1", PERSON, acquisition=Acquisition.FROM_THE_PERSON)
        book.name("r-never-opened", "別人")
        await book.catch_up(client, by=BY)
        clock.at = NOW.replace(year=NOW.year + 3)
        assert book.prune().received == 0
        write_private(tmp_path / "provisions.json", b'{"retention_years": 4}')
        clock.at += timedelta(seconds=1)
        assert book.prune().received == 0
        (tmp_path / "provisions.json").unlink()

        pruned = book.prune()

        assert (pruned.provided, pruned.received) == (0, 2)
        assert "受領 2 件" in str(pruned)
        services.openings = services.openings[:1]
        assert book.records(*ALL) == []
    with sqlite3.connect(tmp_path / "provisions.sqlite3") as file:
        assert file.execute("SELECT person FROM persons").fetchall() == [("別人",)]


@pytest.mark.parametrize("years", ["2", "true", '"3"'])
def test_less_than_the_law_wants_is_no_setting(tmp_path: Path, years: str) -> None:
    """A shorter time than three years is refused before anything is removed."""
    write_private(tmp_path / "provisions.json", f'{{"retention_years": {years}}}'.encode())
    with ProvisionBook(tmp_path) as book, pytest.raises(ConfigurationError, match="at least 3"):
        book.prune()


async def test_the_command(services: Network, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """It writes a period as CSV or page, prunes, and says what it cannot do."""
    client = services.client(tmp_path)
    with ProvisionBook(tmp_path, clock=SetClock()) as book:
        await book.catch_up(client, by=BY)

    assert main([str(tmp_path), "csv", "--from", "2026-04-01", "--until", "2026-04-01"]) == 0
    assert capfdbinary.readouterr().out.count(b"\r\n") == 3
    assert main([str(tmp_path), "csv", "--from", "2026-04-02"]) == 0
    assert capfdbinary.readouterr().out.count(b"\r\n") == 1
    assert main([str(tmp_path), "page"]) == 0
    assert b"<h1>" in capfdbinary.readouterr().out
    assert main([str(tmp_path), "prune"]) == 0
    (tmp_path / "provisions.sqlite3").write_bytes(b"no database at all, but long enough to be looked at")
    assert main([str(tmp_path), "csv"]) == 1
    assert "記録簿のファイルを使えません".encode() in capfdbinary.readouterr().err


def test_a_file_of_another_format_is_left_alone(tmp_path: Path) -> None:
    """A later version's file is not touched."""
    with sqlite3.connect(tmp_path / "provisions.sqlite3") as file:
        file.execute("PRAGMA user_version = 2")
    with ProvisionBook(tmp_path) as book, pytest.raises(BookFileError, match="format 2"):
        book.name("r-1", PERSON)
