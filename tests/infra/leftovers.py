"""What test runs that were killed have left behind: their processes and their folders."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from deploy.data_folder import LOCK, DataFolder
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.processes import stop_leftovers

PREFIX = "tsunagu-test-"


def forget_dead_runs(parent: Path | None = None) -> list[Path]:
    """Stop the processes of runs whose program is gone and remove their folders; returns those folders.

    A run holds its folder while it lives, however it ends; a folder that nobody ever held is left alone.
    """
    forgotten = []
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        try:
            if not (folder / LOCK).exists():
                continue
            with DataFolder(folder).held():
                for data in folder.iterdir():
                    stop_leftovers(DataFolder(data).marks)
                shutil.rmtree(folder, ignore_errors=True)
        except (InfrastructureError, PermissionError):
            continue  # it lives, or it is somebody else's
        forgotten.append(folder)
    return forgotten
