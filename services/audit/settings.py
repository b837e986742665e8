"""Settings of `audit`, from the environment."""

from pydantic import Field

from services.runtime.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    """How many days after an opening both sides are to have reported their records of it, before it counts as a gap."""

    provision_days: int = Field(default=7, ge=0)
