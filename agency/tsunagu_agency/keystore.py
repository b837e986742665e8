"""An agency's keys and its supply of blank handles, in one folder on its own disk.

`keys.json`            `agency_id`, and the private keys `signing` and `encryption` (mode 0600)
`handles/<id>.jws`     one certificate per blank handle; taking a handle removes its file first
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from tsunagu_agency import files
from tsunagu_agency.errors import ConfigurationError, NoHandleLeftError
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.handles import HandleCertificate, read_certificate, verify_certificate
from tsunagu_contracts.keys import EncryptionKey, PublicKey, SigningKey


class BlankHandle:
    """A handle that no referral has used yet: what its certificate says, and the certificate itself."""

    def __init__(self, certificate: HandleCertificate, token: str) -> None:
        self.certificate = certificate
        self.token = token


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
            files.write_private(self._handles / f"{certificate.handle_id}.jws", token.encode("ascii"))
        return len(checked)

    def take_handle(self, trust_key: PublicKey, now: datetime) -> BlankHandle:
        """Take a blank handle out of the supply, for good; the one that expires first.

        Raises `NoHandleLeftError`. Expired handles are removed on the way.
        """
        supply = sorted(self._supply(trust_key), key=lambda blank: blank.certificate.expires_at)
        for blank in supply:
            removed = files.remove(self._handles / f"{blank.certificate.handle_id}.jws")
            if removed and now < blank.certificate.expires_at:
                return blank
        raise NoHandleLeftError

    def count_handles(self, trust_key: PublicKey, now: datetime) -> int:
        """Count the blank handles that can still be used."""
        return sum(now < blank.certificate.expires_at for blank in self._supply(trust_key))

    def _supply(self, trust_key: PublicKey) -> list[BlankHandle]:
        supply = []
        for path in self._handles.glob("*.jws"):
            try:
                token = path.read_text("ascii")
                certificate = read_certificate(token, trust_key)
            except FileNotFoundError:
                continue  # another process has just taken it
            except (Refusal, UnicodeDecodeError) as error:
                code = error.code if isinstance(error, Refusal) else RefusalCode.TOKEN_MALFORMED
                raise ConfigurationError(path, code.value) from None
            supply.append(BlankHandle(certificate, token))
        return supply

    @property
    def _handles(self) -> Path:
        return self.folder / "handles"
