"""Settings of `audit`, from the environment."""

from pydantic import Field

from services.runtime.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    """How many days after an opening both sides are to have reported their records of it, before it counts as a gap;
    within how many hours both custodians must ask for evidence to be opened.
    """

    provision_days: int = Field(default=7, ge=0)
    opening_hours: int = Field(default=72, ge=1)
