"""Where an agency's software finds the network: Kafka, the services, and the keys that everybody trusts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tsunagu_agency.errors import ConfigurationError
from tsunagu_agency.files import read_json
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import PublicKey


@dataclass(frozen=True, slots=True)
class KafkaLogin:
    """The agency's own Kafka user (SASL/SCRAM-SHA-512)."""

    bootstrap: str
    username: str
    password: str = field(repr=False)
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """How to reach the network and whom to believe: `consent` certifies handles and reads person references."""

    kafka: KafkaLogin
    services: Mapping[str, str]
    handles_key: PublicKey
    person_ref_key: PublicKey

    def address(self, service: str) -> str:
        """Return a service's HTTP address, without a slash at its end."""
        return self.services[service].rstrip("/")

    @classmethod
    def from_folder(cls, folder: Path) -> "Network":
        """Read `kafka.json`, `trust.json` and `services.json` of an agency's folder.

        In a network on one machine (`make run`) the latter two are those of the data folder above it:
        `network/trust.json`, and `http` in `run.json`. Raises `ConfigurationError`.
        """
        data = folder.resolve().parent.parent
        trust_file = _first(folder / "trust.json", data / "network" / "trust.json")
        services_file = _first(folder / "services.json", data / "run.json")
        trust, services = read_json(trust_file), read_json(services_file)
        return cls(
            _kafka(folder / "kafka.json"),
            _services(services_file, services.get("http", services)),
            _key(trust_file, trust, "handles"),
            _key(trust_file, trust, "person_ref"),
        )


def _first(*paths: Path) -> Path:
    return next((path for path in paths if path.exists()), paths[0])


def _kafka(path: Path) -> KafkaLogin:
    content = read_json(path)
    bootstrap, username, password = (content.get(name) for name in ("bootstrap", "username", "password"))
    if not isinstance(bootstrap, str) or not isinstance(username, str) or not isinstance(password, str):
        raise ConfigurationError(path, "bootstrap, username and password are needed")
    return KafkaLogin(bootstrap, username, password, tls=content.get("tls") is True)


def _services(path: Path, content: object) -> dict[str, str]:
    services = content if isinstance(content, dict) else {}
    missing = [name for name in ("directory", "referral", "consent") if not isinstance(services.get(name), str)]
    if missing:
        raise ConfigurationError(path, f"no address of {', '.join(missing)}; is the network running?")
    return {str(name): str(address) for name, address in services.items()}


def _key(path: Path, content: Mapping[str, object], name: str) -> PublicKey:
    jwk = content.get(name)
    try:
        return PublicKey.from_jwk(jwk if isinstance(jwk, dict) else {})
    except Refusal as refusal:
        raise ConfigurationError(path, f"{name}: {refusal}") from None
