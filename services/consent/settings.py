"""Settings of `consent`, beside those of every service."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.consent.keystore import FileKeyStore
from services.runtime.settings import ServiceSettings


class KeyStoreSettings(BaseSettings):
    """Where keys are kept, each of them in every one of these folders, and where and for how long their backups.

    `keystore_replicas` is a JSON list of folders beside `keystore_dir`; `key_backups_dir` is by default
    `key-backups` beside `keystore_dir`.
    """

    model_config = SettingsConfigDict(env_prefix="TSUNAGU_", extra="ignore")

    keystore_dir: Path
    keystore_replicas: tuple[Path, ...] = ()
    key_backups_dir: Path | None = None
    key_backup_days: int = Field(default=30, ge=1)

    @property
    def store(self) -> FileKeyStore:
        """The key store of these settings."""
        return FileKeyStore(self.keystore_dir, self.keystore_replicas)

    @property
    def backups(self) -> Path:
        """Where backups are."""
        return self.key_backups_dir or self.keystore_dir.parent / "key-backups"


class ConsentSettings(ServiceSettings, KeyStoreSettings):
    """How long a blank handle lives, how far clocks may differ (in seconds), and how many days an agency has to
    answer for what it may no longer hold, and for a person's request (個人情報保護法33条から35条 ask
    for an answer without delay, and name no days), and how many a card can be used; in days too, how far away the
    date of a request may be, how long before a grant's end the person is asked again (and a review may take), and how
    often about a grant without an end.

    Of the person's own door: how many days a receipt and the permission to set its secret hold, how many minutes a
    token; after how many wrong secrets a receipt's view is locked, and for how many minutes; how many exchanges may
    fail in a minute, whoever tries, before they are put off.
    """

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
    case_days: int = Field(default=14, ge=1)
    ask_days: int = Field(default=60, ge=1)
    renew_days: int = Field(default=30, ge=1)
    review_every_days: int = Field(default=365, ge=1)
