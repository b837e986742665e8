"""Settings of `consent`, beside those of every service."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import ServiceSettings


class ConsentSettings(ServiceSettings):
    """Where the key store is, how long a blank handle lives, how far clocks may differ (in seconds), and how many days
    an agency has to answer for what it may no longer hold, and how many a card can be used.

    Of the person's own door: how many days a receipt and the permission to set its secret hold, how many minutes a
    token; after how many wrong secrets a receipt's view is locked, and for how many minutes; how many exchanges may
    fail in a minute, whoever tries, before they are put off.
    """

    keystore_dir: Path
    handle_days: int = Field(default=90, ge=1)
    clock_tolerance_seconds: float = Field(default=2.0, ge=0)
    answer_days: int = Field(default=14, ge=1)
    card_days: int = Field(default=365, ge=1)
    receipt_days: int = Field(default=365, ge=1)
    permission_days: int = Field(default=7, ge=1)
    person_token_minutes: int = Field(default=10, ge=1)
    secret_tries: int = Field(default=5, ge=1)
    secret_locked_minutes: int = Field(default=60, ge=1)
    wrong_codes_a_minute: int = Field(default=60, ge=1)
