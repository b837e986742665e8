"""Kafka and PostgreSQL together, as one thing to start and to stop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType

from deploy.access import KafkaAccess, PostgresAccess
from deploy.data_folder import DataFolder, NetworkSecrets
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.jars import Progress, class_path
from deploy.embedded.kafka import EmbeddedKafka
from deploy.embedded.postgres import EmbeddedPostgres


class EmbeddedInfrastructure:
    """A broker and a database server below one data folder; a context manager that starts and stops both."""

    def __init__(self, data: DataFolder, *, progress: Progress | None = None) -> None:
        if data.postgres.exists() and not data.secrets.exists():
            raise InfrastructureError(
                f"{data.secrets} is missing, and with it the passwords of {data.root}. "
                "Put the file back from a copy, or forget the whole network with `make clean`."
            )
        kept = NetworkSecrets.load(data.secrets)
        jars = class_path(progress=progress)
        self.broker = EmbeddedKafka(data.kafka, logs=data.logs, marks=data.marks, secrets=kept.kafka, jars=jars)
        self.server = EmbeddedPostgres(data.postgres, logs=data.logs, marks=data.marks, password=kept.postgres_admin)

    @property
    def kafka(self) -> KafkaAccess:
        """The broker as its administrator sees it."""
        return self.broker.access

    @property
    def postgres(self) -> PostgresAccess:
        """The database server as its administrator sees it."""
        return self.server.access

    def start(self) -> None:
        """Start both side by side; where one fails, or Ctrl-C comes in between, neither stays."""
        starting = ThreadPoolExecutor(max_workers=2)
        started = [starting.submit(self.broker.start), starting.submit(self.server.start)]
        try:
            for each in started:
                each.result()
        except BaseException:
            # Twice: the first makes a start that waits give up, the second takes what a start has yet begun.
            self.stop()
            wait(started)
            self.stop()
            raise
        finally:
            starting.shutdown()

    def stop(self) -> None:
        """Stop both; does nothing to what is not running."""
        self.broker.stop()
        self.server.stop()

    def __enter__(self) -> EmbeddedInfrastructure:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
