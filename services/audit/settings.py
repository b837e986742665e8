"""Settings of `audit`, from the environment."""

from services.runtime.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    """What every service has; audit needs nothing beside."""
