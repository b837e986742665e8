"""Settings of `consent`, beside those of every service."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import ServiceSettings


class ConsentSettings(ServiceSettings):
    """Where the key store is, how long a blank handle lives, how far clocks may differ (in seconds), and how many days
    an agency has to answer for what it may no longer hold, and how many a card can be used.
    """

    keystore_dir: Path
    handle_days: int = Field(default=90, ge=1)
    clock_tolerance_seconds: float = Field(default=2.0, ge=0)
    answer_days: int = Field(default=14, ge=1)
    card_days: int = Field(default=365, ge=1)
