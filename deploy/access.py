"""How to reach a Kafka cluster and a PostgreSQL server, whoever started them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

SCRAM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class KafkaAccess:
    """A cluster's client listener and one user's SCRAM credentials."""

    bootstrap: str
    username: str
    password: str = field(repr=False)

    def as_user(self, username: str, password: str) -> KafkaAccess:
        """The same cluster for another user."""
        return KafkaAccess(self.bootstrap, username, password)

    def librdkafka(self) -> dict[str, str | int | float | bool]:
        """Settings for confluent-kafka; it says what it has to say by errors, not on standard error."""
        return {
            "log_level": 0,
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": SCRAM,
            "sasl.username": self.username,
            "sasl.password": self.password,
        }

    def aiokafka(self) -> dict[str, str]:
        """Keyword arguments for aiokafka's clients."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": SCRAM,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }


@dataclass(frozen=True)
class PostgresAccess:
    """A server (`host` is a name or a Unix socket's folder) and one role's password."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    database: str

    def as_role(self, username: str, password: str, database: str) -> PostgresAccess:
        """The same server for another role and database."""
        return PostgresAccess(self.host, self.port, username, password, database)

    @property
    def url(self) -> str:
        """The address as SQLAlchemy takes it; it holds the password, so it must not be logged."""
        # In the query, because a socket's folder cannot stand where a host name does.
        where = f"host={quote(self.host, safe='')}&port={self.port}"
        credentials = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql+asyncpg://{credentials}@/{quote(self.database, safe='')}?{where}"
