"""Settings of `audit`, from the environment."""

from pydantic import Field

from services.runtime.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    """Beside what every service has, within how many hours both custodians must ask for evidence to be opened."""

    opening_hours: int = Field(default=72, ge=1)
