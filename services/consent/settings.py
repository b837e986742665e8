"""Settings of `consent`, beside those of every service."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import ServiceSettings


class ConsentSettings(ServiceSettings):
    """Where the key store is, how long a blank handle lives, and how far clocks may differ (in seconds)."""

    keystore_dir: Path
    handle_days: int = Field(default=90, ge=1)
    clock_tolerance_seconds: float = Field(default=2.0, ge=0)
