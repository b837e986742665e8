"""A network described in files: HSDS 3 for agencies and resources, plain JSON for the rest."""

from services.directory.network_files.reading import read_network

__all__ = ["read_network"]
