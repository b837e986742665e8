from __future__ import annotations

import hashlib
import stat
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.access import PostgresAccess
from deploy.cli import app
from deploy.data_folder import DataFolder, NetworkSecrets
from deploy.embedded import jars
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.infrastructure import EmbeddedInfrastructure
from deploy.embedded.kafka import render_properties
from deploy.embedded.processes import ChildProcess


def test_passwords_are_random_kept_and_private(tmp_path: Path) -> None:
    """Each name has a password of its own, which stays, in a file that only its owner reads."""
    file = tmp_path / "secrets.json"
    first = NetworkSecrets.load(file, kafka_users=["referral"], postgres_roles=["referral"])
    again = NetworkSecrets.load(file, kafka_users=["referral", "consent"])
    assert again.kafka == first.kafka
    assert again.kafka_users["referral"] == first.kafka_users["referral"] != again.kafka_users["consent"]
    assert again.postgres_roles == first.postgres_roles
    assert len(set(again.kafka_users.values()) | set(again.postgres_roles.values())) == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_one_program_at_a_time_has_the_folder(tmp_path: Path) -> None:
    """A second run on the same folder is refused with what to do, and let in once the first has ended."""
    data = DataFolder(tmp_path / "data")
    with data.held(), pytest.raises(InfrastructureError, match="Ctrl-C"), data.held():
        pass
    with data.held():
        pass


def test_lost_passwords_are_said_before_anything_starts(tmp_path: Path) -> None:
    """A database folder without its passwords is an error that names the file and the way out."""
    data = DataFolder(tmp_path)
    data.postgres.mkdir()
    with pytest.raises(InfrastructureError, match=r"secrets\.json is missing.*make clean"):
        EmbeddedInfrastructure(data)


def test_passwords_stay_out_of_what_is_printed() -> None:
    """An access shown in a log or a test report does not show its password."""
    access = PostgresAccess("/run/socket folder", 5432, "referral", "p@ss/word", "referral")
    assert "p@ss" not in repr(access)
    assert access.url == (
        "postgresql+asyncpg://referral:p%40ss%2Fword@/referral?host=%2Frun%2Fsocket%20folder&port=5432"
    )


@pytest.fixture
def one_jar(tmp_path: Path) -> tuple[jars.Jar, Path]:
    """A lock file that names a single jar with the bytes `right`."""
    lock = tmp_path / "lock.toml"
    sha256 = hashlib.sha256(b"right").hexdigest()
    lock.write_text(f'[[dependencies]]\ngroupId = "a.b"\nartifactId = "c"\nversion = "1"\nsha256 = "{sha256}"\n')
    return jars.Jar("a.b", "c", "1", sha256), lock


def _serve(monkeypatch: pytest.MonkeyPatch, cache: Path, content: bytes) -> list[str]:
    fetched: list[str] = []

    def fetch(jar: jars.Jar, context: object) -> None:
        path = cache / jar.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        fetched.append(jar.artifact)

    monkeypatch.setattr(jars, "_fetch", fetch)
    return fetched


def test_a_torn_jar_is_fetched_anew(
    one_jar: tuple[jars.Jar, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a file from a fetch that was cut off is replaced; a whole one is not fetched again."""
    jar, lock = one_jar
    fetched = _serve(monkeypatch, tmp_path, b"right")
    (tmp_path / jar.path).parent.mkdir(parents=True)
    (tmp_path / jar.path).write_bytes(b"rig")
    assert jars.class_path(tmp_path, lock=lock) == [tmp_path / jar.path]
    assert jars.class_path(tmp_path, lock=lock) == [tmp_path / jar.path]
    assert fetched == ["c"]


def test_a_jar_with_other_bytes_never_runs(
    one_jar: tuple[jars.Jar, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A jar whose SHA-256 differs from the lock stops the start."""
    _, lock = one_jar
    _serve(monkeypatch, tmp_path, b"wrong")
    with pytest.raises(InfrastructureError, match="SHA-256"):
        jars.class_path(tmp_path, lock=lock)


def test_every_locked_jar_has_a_checksum() -> None:
    """The committed lock names Kafka's own clients in Kafka's version, each jar with a SHA-256."""
    locked = {jar.artifact: jar for jar in jars.locked_jars()}
    assert locked["kafka-clients"].version == locked["kafka_2.13"].version
    assert all(len(jar.sha256) == 64 for jar in locked.values())


def test_clean_stops_what_is_left_and_forgets_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`clean` ends a process that a crash left behind and removes the folder; again it finds nothing to do."""
    data = DataFolder(tmp_path / "data")
    monkeypatch.setenv("TSUNAGU_DATA", str(data.root))
    program = "import signal; signal.pause()"
    left = ChildProcess("left", [sys.executable, "-c", program], data.logs / "left.log", data.marks / "left.json")
    left.start()
    for _ in range(2):
        assert CliRunner().invoke(app, ["clean"]).exit_code == 0
        assert not left.alive
        assert not data.root.exists()


def test_clean_refuses_while_the_network_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data in use is not removed."""
    data = DataFolder(tmp_path / "data")
    monkeypatch.setenv("TSUNAGU_DATA", str(data.root))
    with data.held():
        assert CliRunner().invoke(app, ["clean"]).exit_code == 1
        assert data.root.exists()


def test_a_folder_may_bear_any_name() -> None:
    """Paths that are not ASCII reach Kafka whole: Java reads its properties files as Latin-1 with escapes."""
    assert (
        render_properties({"log.dirs": "/home/支援 é/\\𠮷"})
        == "log.dirs=/home/\\u652f\\u63f4 \\u00e9/\\\\\\ud842\\udfb7\n"
    )
