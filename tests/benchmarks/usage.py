"""What the processes of a system cost: processor time and memory, read from the operating system."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """By process: processor seconds spent so far (user and system), and MiB resident now."""

    cpu_seconds: Mapping[str, float]
    rss_mib: Mapping[str, float]

    def cpu_since(self, before: Usage) -> dict[str, float]:
        """Processor seconds spent between two moments."""
        return {name: spent - before.cpu_seconds.get(name, 0.0) for name, spent in self.cpu_seconds.items()}


def usage(pids: Mapping[str, int], *, families: Container[str] = ()) -> Usage:
    """Read what these processes have used so far; those in `families` with all of their children."""
    cpu: dict[str, float] = {}
    rss: dict[str, float] = {}
    for name, pid in pids.items():
        process = psutil.Process(pid)
        own = process.cpu_times()
        cpu[name] = own.user + own.system
        rss[name] = process.memory_info().rss / MIB
        if name not in families:
            continue
        # A child that has ended lives on in its parent's account.
        cpu[name] += own.children_user + own.children_system
        for child in process.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            cpu[name] += times.user + times.system
    return Usage(cpu, rss)
