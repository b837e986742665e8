"""Free ports on the loopback interface, kept from one start to the next where nobody else took them."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from pathlib import Path

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """As many different ports as asked for, free at this moment."""
    return _bindable([0] * count)


def ports_kept_in(file: Path, count: int) -> list[int]:
    """The ports noted in `file` where all are free, otherwise new ones, which are noted."""
    try:
        noted = [int(port) for port in json.loads(file.read_text())]
        if len(noted) == count:
            return _bindable(noted)
    except (FileNotFoundError, ValueError, OSError):
        pass  # never noted, or taken by somebody else since
    ports = free_ports(count)
    file.write_text(json.dumps(ports))
    return ports


def port_answers(address: str) -> bool:
    """Whether something listens at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def _bindable(ports: list[int]) -> list[int]:
    with ExitStack() as held:
        found = []
        # All are held open until the last one is known, so that no two are the same.
        for port in ports:
            listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            # A port that was ours a moment ago lingers in TIME_WAIT and is free all the same.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((LOOPBACK, port))
            found.append(int(listener.getsockname()[1]))
        return found
