"""Settings of `consent`, beside those of every service."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import ServiceSettings


class ConsentSettings(ServiceSettings):
    """Where the key store is, how long a blank handle lives, how far clocks may differ (in seconds), and in days: how
    long an agency has to answer for what it may no longer hold, how far away the date of a request may be, how long
    before a grant's end the person is asked again (and a review may take), how often about a grant without an end.
    """

    keystore_dir: Path
    handle_days: int = Field(default=90, ge=1)
    clock_tolerance_seconds: float = Field(default=2.0, ge=0)
    answer_days: int = Field(default=14, ge=1)
    ask_days: int = Field(default=60, ge=1)
    renew_days: int = Field(default=30, ge=1)
    review_every_days: int = Field(default=365, ge=1)
