"""The real command on a copy of the contracts that somebody has changed: what it refuses, and what it writes."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contracts.golden.shelf import CONTRACTS
from tsunagu_contracts.publish import ASYNCAPI, EARLIER, EXAMPLES, SCHEMAS, main

PACKAGE = "tsunagu_contracts"


@dataclass(frozen=True)
class Told:
    """How a run of the command ended and what it said."""

    status: int
    text: str


class Copy:
    """A copy of the contracts' folder whose code and files can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "contracts"
        shutil.copytree(CONTRACTS, self.folder, ignore=shutil.ignore_patterns("__pycache__"))

    def edit(self, module: str, old: str, new: str) -> None:
        """Change the code of a module in one place."""
        path = self.folder / PACKAGE / module
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{module}: {old!r} stands {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *arguments: str) -> Told:
        """Run the command as anybody would, with the copy's code."""
        ended = subprocess.run(
            [sys.executable, "-m", f"{PACKAGE}.publish", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Told(ended.returncode, ended.stdout + ended.stderr)

    def check_files(self, capsys: pytest.CaptureFixture[str]) -> Told:
        """Check the copy's files against the code as it is, in this process."""
        status = main(["--check", "--root", str(self.folder)])
        said = capsys.readouterr()
        return Told(status, said.out + said.err)

    def files(self) -> dict[str, bytes]:
        """Every published file and example."""
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in sorted(self.folder.rglob("*.json"))}


@pytest.fixture
def contracts(tmp_path: Path) -> Copy:
    """A fresh copy."""
    return Copy(tmp_path)


def test_the_committed_contracts_hold(contracts: Copy) -> None:
    """Nothing to find fault with in what is committed, and nothing to write."""
    before = contracts.files()
    assert contracts.run("--check").status == 0
    told = contracts.run()
    assert told.status == 0
    assert "written" not in told.text
    assert contracts.files() == before


@pytest.mark.parametrize(
    ("module", "old", "new", "named"),
    [
        pytest.param(
            "events/referral.py",
            "    routed_by: Id\n",
            "",
            "referral.submitted.v1: data.routed_by: removed",
            id="field removed",
        ),
        pytest.param(
            "events/consent/releases.py",
            "    statement_number: Whole\n",
            "    statement_number: Whole | None\n",
            "release.granted.v1: data.statement_number: may now be null",
            id="field may be null",
        ),
        pytest.param(
            "events/referral.py",
            "    addressee: AgencyId\n",
            "    addressee: AgencyId\n    weight: int\n",
            "referral.delivered.v1: data.weight: new and required",
            id="new required field",
        ),
        pytest.param(
            "codes/community.py",
            '    HEALTH = "health"\n    DISABILITY',
            "    DISABILITY",
            "coverage.decided.v1: data.sections[].category: value 'health' removed",
            id="code removed",
        ),
        pytest.param(
            "types.py",
            'pattern=r"^[a-z0-9][a-z0-9-]{1,48}$"',
            'pattern=r"^[a-z][a-z0-9-]{1,48}$"',
            "agency.registered.v1: data.agency_id: pattern changed",
            id="form narrowed",
        ),
        pytest.param(
            "events/notify.py",
            '"notification.created.v1"',
            '"notification.created.v2"',
            "notification.created.v1: type removed",
            id="type renamed in place",
        ),
        pytest.param(
            "manifests/consent.py",
            "    notice: Notice\n",
            "    notice: Notice | None = None\n",
            "agency.statement.record.v1: data.notice: required before, optional now",
            id="field of a manifest made optional",
        ),
        pytest.param(
            "sealing.py",
            "class CapsuleSection(Secret):",
            'class CapsuleSection(Secret, extra="forbid"):',
            "token.capsule: sections[].*: additionalProperties closed",
            id="token closed",
        ),
        pytest.param(
            "topics.py",
            '    ("referral", "message"),\n    EVENTS_BY_PRODUCER["referral"],\n    "referral",\n'
            '    ("consent", "notify", "audit"),\n    6,\n',
            '    ("referral", "message"),\n    EVENTS_BY_PRODUCER["referral"],\n    "referral",\n'
            '    ("consent", "notify", "audit"),\n    12,\n',
            "referral.events: partitions changed from 6 to 12",
            id="partitions raised",
        ),
    ],
)
def test_an_incompatible_change_fails_the_build_and_is_never_written(
    contracts: Copy, module: str, old: str, new: str, named: str
) -> None:
    """The check names the change and ends with a status; writing refuses, says what to do, and writes nothing."""
    contracts.edit(module, old, new)
    before = contracts.files()
    checked = contracts.run("--check")
    assert checked.status == 1
    assert named in checked.text
    written = contracts.run()
    assert written.status == 1
    assert named in written.text
    assert "make a new type" in written.text
    assert contracts.files() == before


def test_a_compatible_change_is_written_and_the_earlier_bytes_are_kept(contracts: Copy) -> None:
    """A new optional field: stale until the command is run; then golden messages of both writers are read."""
    contracts.edit(
        "events/notify.py",
        "    parameters: Mapping[Id, Id]\n",
        "    parameters: Mapping[Id, Id]\n    tone: Id = 'low'\n",
    )
    before = contracts.files()
    example, schema = f"{EXAMPLES}/notification.created.v1.json", f"{SCHEMAS}/notification.created.v1.json"
    stale = contracts.run("--check")
    assert stale.status == 1
    assert f"{schema}: differs from the code" in stale.text
    assert f"{example}: the code writes other bytes" in stale.text
    assert contracts.run().status == 0
    assert contracts.run("--check").status == 0
    after = contracts.files()
    assert b'"tone":"low"' in after[example]
    assert after[f"{EXAMPLES}/{EARLIER}/notification.created.v1.1.json"] == before[example]
    assert {name for name in before if before[name] != after[name]} == {example, schema}


def test_a_new_field_of_a_manifest_is_signed_anew_in_its_example(contracts: Copy) -> None:
    """The golden message of a manifest that today's code writes otherwise is signed with the example key."""
    contracts.edit(
        "manifests/referral.py",
        "    reason: DeclineReason | None = None\n",
        "    reason: DeclineReason | None = None\n    tone: Id = 'low'\n",
    )
    assert contracts.run().status == 0
    assert contracts.run("--check").status == 0
    assert f"{EXAMPLES}/{EARLIER}/agency.referral.act.v1.1.json" in contracts.files()


def test_a_further_code_is_written(contracts: Copy) -> None:
    """A value more in a closed list goes into the schemas; no example changes."""
    contracts.edit("codes/community.py", '    SAFETY = "safety"\n', '    SAFETY = "safety"\n    CULTURE = "culture"\n')
    before = contracts.files()
    assert contracts.run().status == 0
    after = contracts.files()
    differing = {name for name in before if before[name] != after[name]}
    assert f"{SCHEMAS}/referral.submitted.v1.json" in differing
    assert all(name.startswith(f"{SCHEMAS}/") for name in differing)


def test_a_new_type_needs_a_golden_message(contracts: Copy) -> None:
    """A type beside the old one is no incompatible change, but it is not published without an example."""
    contracts.edit(
        "events/notify.py",
        "class NotificationCreated(EventData):",
        'class NotificationForgotten(EventData):\n    """Nobody remembers."""\n\n'
        '    TYPE: ClassVar[str] = "notification.forgotten.v1"\n\n    notification_id: Id\n\n\n'
        "class NotificationCreated(EventData):",
    )
    told = contracts.run()
    assert told.status == 1
    assert f"{EXAMPLES}/notification.forgotten.v1.json: missing; add a golden message" in told.text
    assert f"{SCHEMAS}/notification.forgotten.v1.json" in contracts.files()


@pytest.mark.parametrize("place", [f"{SCHEMAS}/record.opened.v1.json", ASYNCAPI])
def test_a_generated_file_that_is_missing_or_changed_by_hand_fails_the_check(
    contracts: Copy, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is committed is what the code says, and the command restores it."""
    path = contracts.folder / place
    intact = path.read_bytes()
    path.write_bytes(intact.replace(b"description", b"explanation", 1))
    assert f"{place}: differs from the code" in contracts.check_files(capsys).text
    path.unlink()
    told = contracts.check_files(capsys)
    assert told.status == 1
    assert f"{place}: missing" in told.text
    assert main(["--root", str(contracts.folder)]) == 0
    assert path.read_bytes() == intact


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("record.opened.v1", b'"version":1', b'"version":0', "invalid_content"),
        ("release.granted.v1", b"release.granted.v1", b"release.granted.v7", "unknown_version"),
        ("agency.referral.act.v1", b'"manifest":"e', b'"manifest":"f', "token_malformed"),
        ("token.handle", b'"agency_id"', b'"agency"', "invalid_content"),
        ("agency.inbound", b'"event":', b'"happening":', "invalid_content"),
    ],
)
def test_an_example_that_can_no_longer_be_read_fails_the_check(
    contracts: Copy, capsys: pytest.CaptureFixture[str], name: str, old: bytes, new: bytes, code: str
) -> None:
    """The check says which example, and the reader's code."""
    path = contracts.folder / EXAMPLES / f"{name}.json"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    told = contracts.check_files(capsys)
    assert told.status == 1
    assert f"{EXAMPLES}/{name}.json: can no longer be read: {code}" in told.text


def test_what_an_earlier_writer_wrote_must_be_read(contracts: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    """An earlier example that today's code cannot read fails the check."""
    earlier = contracts.folder / EXAMPLES / EARLIER
    earlier.mkdir(exist_ok=True)
    (earlier / "record.opened.v1.9.json").write_bytes(b'{"type":"record.opened.v1"}')
    told = contracts.check_files(capsys)
    assert told.status == 1
    assert f"{EXAMPLES}/{EARLIER}/record.opened.v1.9.json: can no longer be read: invalid_content" in told.text
