"""Settings of `directory`, from the environment."""

from pathlib import Path

from services.runtime.settings import ServiceSettings


class DirectorySettings(ServiceSettings):
    """Beside what every service has: where the network is described, and where the agencies' public keys are.

    Without `agency_keys_file` they are taken from `agency_keys.json` beside the trust file.
    """

    network_dir: Path
    agency_keys_file: Path | None = None

    @property
    def keys_file(self) -> Path:
        """The file of the agencies' public keys."""
        return self.agency_keys_file or self.trust_file.with_name("agency_keys.json")
