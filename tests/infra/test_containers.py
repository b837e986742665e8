import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from testcontainers.core.container import DockerContainer

from tests.infra.containers import POSTGRES_IMAGE, RUN_LABEL, docker_with_images, forget_dead_containers, image_of
from tests.infra.infrastructure import Infrastructure


@pytest.fixture
def label(infra: Infrastructure, tmp_path: Path) -> Iterator[str]:
    """What a container of a run says whose folder is below `tmp_path`; none is left in the end."""
    if infra.origin != "containers":
        pytest.skip(f"no containers in this run: {infra.origin}")
    own = f"{socket.gethostname()}:{tmp_path}/run"
    yield own
    for left in docker_with_images().client.containers.list(all=True, filters={"label": f"{RUN_LABEL}={own}"}):
        left.remove(force=True, v=True)


def test_containers_of_a_killed_run_are_removed_by_the_next(label: str, tmp_path: Path) -> None:
    """While a run's folder is there its containers are left alone; once it is gone, they go too."""
    docker = docker_with_images()
    # Held on to: testcontainers removes a container whose object is collected.
    left = DockerContainer(image_of(POSTGRES_IMAGE[0]), command="sleep 600").with_kwargs(labels={RUN_LABEL: label})
    left.start()
    running = {"label": f"{RUN_LABEL}={label}"}
    folder = tmp_path / "run"
    folder.mkdir()
    forget_dead_containers(docker)
    assert [each.id for each in docker.client.containers.list(filters=running)] == [left.get_wrapped_container().id]
    folder.rmdir()
    forget_dead_containers(docker)
    assert docker.client.containers.list(all=True, filters=running) == []


def test_without_docker_it_is_said_in_both_languages(tmp_path: Path) -> None:
    """`make test-containers` ends before any test, and says what is missing and what to do."""
    nobody = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.infra.containers"], env=nobody, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Docker が答えません。起動するか、")
    assert "Docker does not answer: start it" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_image_that_cannot_be_had_is_named_with_its_setting(label: str) -> None:
    """Whoever mistypes an image, or reaches no registry, is told which setting to change."""
    missing = {**os.environ, POSTGRES_IMAGE[0]: "tsunagu-stand-in/nothing:at-all"}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.infra.containers"], env=missing, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "tsunagu-stand-in/nothing:at-all" in ended.stderr
    assert POSTGRES_IMAGE[0] in ended.stderr
