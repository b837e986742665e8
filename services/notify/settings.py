"""Settings of `notify`, from the environment."""

from pydantic import Field

from services.runtime.settings import ServiceSettings


class NotifySettings(ServiceSettings):
    """Beside what every service has: how often an idle stream looks by itself, and how long it lasts (seconds).

    A stream lasts no longer than a token may, so that who listens is checked again.
    """

    stream_looks_every_seconds: float = Field(default=15, gt=0)
    stream_ends_after_seconds: float = Field(default=300, gt=0, le=300)
