from __future__ import annotations

import sys
from pathlib import Path

from deploy.data_folder import DataFolder
from deploy.embedded.processes import ChildProcess
from tests.infra.leftovers import PREFIX, forget_dead_runs


def _run(parent: Path, name: str) -> tuple[DataFolder, ChildProcess]:
    data = DataFolder(parent / f"{PREFIX}{name}" / "infra")
    child = ChildProcess(
        name, [sys.executable, "-c", "import signal; signal.pause()"], data.logs / "log", data.marks / "child.json"
    )
    child.start()
    return DataFolder(data.root.parent), child


def test_what_a_killed_run_left_is_stopped_and_forgotten(tmp_path: Path) -> None:
    """The next run stops the processes of a run that was killed; those of a living one it leaves alone."""
    dead, orphan = _run(tmp_path, "dead")
    living, child = _run(tmp_path, "living")
    never_held, stranger = _run(tmp_path, "never-held")
    with dead.held():
        pass
    with living.held():
        assert forget_dead_runs(tmp_path) == [dead.root]
    assert not orphan.alive
    assert not dead.root.exists()
    assert child.alive
    assert stranger.alive
    assert never_held.root.exists()
    child.stop()
    stranger.stop()
