"""The key store: persons' private keys and the service's own, outside the database and never in its backups."""

from services.consent.keystore.files import FileKeyStore
from services.consent.keystore.store import KeyStore, KeyStoreError, ServiceKeys

__all__ = ["FileKeyStore", "KeyStore", "KeyStoreError", "ServiceKeys"]
