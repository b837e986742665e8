"""Settings of a service process, from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What every service needs to know; a variable is the field's name behind `TSUNAGU_`.

    `database_url` is an SQLAlchemy URL for asyncpg. Of `otlp_endpoint` (the base address, under which traces and
    metrics have their paths), `traces_file` and `log_file` each is used when set; logs go to standard error
    otherwise. With `parked_limit` messages parked that need an operator, the consumer stops until there are fewer.
    Told to stop, the process is not ready at once and goes on answering for `stop_delay_seconds`.
    """

    model_config = SettingsConfigDict(env_prefix="TSUNAGU_", extra="ignore")

    database_url: SecretStr
    kafka_bootstrap: str
    kafka_username: str
    kafka_password: SecretStr
    http_host: str = "127.0.0.1"
    http_port: int
    trust_file: Path
    issuer_url: str
    otlp_endpoint: str | None = None
    traces_file: Path | None = None
    log_file: Path | None = None
    parked_limit: int = Field(default=1_000, ge=1)
    stop_delay_seconds: float = Field(default=0.0, ge=0)
