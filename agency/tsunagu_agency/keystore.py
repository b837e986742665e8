"""An agency's keys and its supply of blank handles, in one folder on its own disk.

`keys.json`            `agency_id`, and the private keys `signing` and `encryption` (mode 0600)
`handles/*.jws`        one certificate per blank handle, its expiry (seconds since 1970) first in the name;
                       taking a handle removes its file before anything is sealed with it
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tsunagu_agency import files
from tsunagu_agency.errors import ConfigurationError, NoHandleLeftError
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.handles import HandleCertificate, read_certificate, verify_certificate
from tsunagu_contracts.keys import EncryptionKey, PublicKey, SigningKey


@dataclass(frozen=True, slots=True)
class BlankHandle:
    """A handle that no referral has used yet: what its certificate says, and the certificate itself."""

    certificate: HandleCertificate
    token: str


class Keystore:
    """The keys of one agency and its blank handles; several processes may share a folder."""

    def __init__(self, folder: Path, agency_id: str, signing: SigningKey, encryption: EncryptionKey) -> None:
        self.folder = folder
        self.agency_id = agency_id
        self.signing = signing
        self.encryption = encryption

    @classmethod
    def open(cls, folder: Path) -> "Keystore":
        """Read an agency's keys; raises `ConfigurationError` where they are missing or unusable."""
        path = folder / "keys.json"
        content = files.read_json(path)
        agency_id, signing, encryption = (content.get(name) for name in ("agency_id", "signing", "encryption"))
        if not isinstance(agency_id, str) or not isinstance(signing, dict) or not isinstance(encryption, dict):
            raise ConfigurationError(path, "agency_id, signing and encryption are needed")
        try:
            return cls(folder, agency_id, SigningKey.from_jwk(signing), EncryptionKey.from_jwk(encryption))
        except Refusal as refusal:
            raise ConfigurationError(path, str(refusal)) from None

    def add_handles(self, tokens: Iterable[str], trust_key: PublicKey, now: datetime) -> int:
        """Keep certificates that hold for this agency now; returns how many.

        Refuses, and keeps none of them, as `verify_certificate` does.
        """
        checked = [(verify_certificate(token, trust_key, now, self.agency_id), token) for token in tokens]
        for certificate, token in checked:
            files.write_private(self._handles / _file_name(certificate), token.encode("ascii"))
        return len(checked)

    def take_handle(self, trust_key: PublicKey, now: datetime) -> BlankHandle:
        """Take a blank handle out of the supply, for good; the one that expires first.

        Raises `NoHandleLeftError`. Expired handles are removed on the way.
        """
        for path in self._supply():
            try:
                token = path.read_text("ascii")
                certificate = read_certificate(token, trust_key)
            except FileNotFoundError:
                continue  # another process has just taken it
            except (Refusal, UnicodeDecodeError):
                raise ConfigurationError(path, "not a handle that consent has certified") from None
            if files.remove(path) and now < certificate.expires_at:
                return BlankHandle(certificate, token)
        raise NoHandleLeftError

    def count_handles(self, now: datetime) -> int:
        """Count the blank handles that have not expired."""
        return sum(now.timestamp() < _expiry(path) for path in self._supply())

    def next_expiry(self, now: datetime) -> datetime | None:
        """When the first of the blank handles that have not expired will; None where there is none."""
        ahead = [expiry for path in self._supply() if (expiry := _expiry(path)) > now.timestamp()]
        return datetime.fromtimestamp(ahead[0], UTC) if ahead else None

    def _supply(self) -> list[Path]:
        return sorted(self._handles.glob("*.jws"), key=lambda path: (_expiry(path), path.name))

    @property
    def _handles(self) -> Path:
        return self.folder / "handles"


def _file_name(certificate: HandleCertificate) -> str:
    return f"{int(certificate.expires_at.timestamp())}.{certificate.handle_id}.jws"


def _expiry(path: Path) -> int:
    """When the handle in a file expires, as its name says; 0 for a name of another kind."""
    digits = path.name.partition(".")[0]
    return int(digits) if digits.isdecimal() else 0
