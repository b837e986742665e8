"""Settings of `consent`, beside those of every service."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import ServiceSettings


class ConsentSettings(ServiceSettings):
    """Where the key store is, how long a blank handle lives, how far clocks may differ (in seconds), and how many days
    an agency has to answer for what it may no longer hold, and for a person's request (個人情報保護法33条から35条 ask
    for an answer without delay, and name no days).
    """

    keystore_dir: Path
    handle_days: int = Field(default=90, ge=1)
    clock_tolerance_seconds: float = Field(default=2.0, ge=0)
    answer_days: int = Field(default=14, ge=1)
    case_days: int = Field(default=14, ge=1)
