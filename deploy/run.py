"""`make run`: the whole network on this machine, with a story to watch and addresses to use."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.data_folder import DataFolder
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.infrastructure import EmbeddedInfrastructure
from deploy.embedded.processes import stop_leftovers
from deploy.network import EmbeddedNetwork

WHAT = {
    "directory": "台帳 agencies, appointments",
    "referral": "つなぎ takes in, delivers",
    "consent": "同意と鍵 the word, the keys",
    "notify": "知らせ tells coordinators",
    "audit": "記録 keeps every event",
    "issuer": "開発用サインイン dev sign-in",
}


Play = Callable[[EmbeddedNetwork], object]
"""A story that can be played on a running network."""


def run_network(data: DataFolder, play: Play, *, once: bool) -> int:
    """Start everything, play a story, stay up until Ctrl-C unless `once`; returns the exit status."""
    console = Console()
    started = time.monotonic()
    # Being told to end is the same as Ctrl-C: everything is stopped in order. A shell that starts us in the
    # background has Ctrl-C's signal ignored, which we would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with data.held(), _stopped_in_the_end(console) as running:
            for name in stop_leftovers(data.marks):
                console.print(f"[yellow]前回の残りを止めました / stopped a leftover of an earlier run: {name}")
            infrastructure = _prepare(console, data)
            running.append(infrastructure)
            with console.status("Kafka と PostgreSQL を起動中 / starting Kafka and PostgreSQL"):
                infrastructure.start()
            _done(console, "Kafka, PostgreSQL", started)
            network = EmbeddedNetwork(data, infrastructure.kafka, infrastructure.postgres)
            with console.status("トピック・権限・データベースを整えています / topics, permissions, databases"):
                network.provision()
            _done(console, f"{len(network.agency_ids)} 機関の台帳を整えました / agencies provisioned", started)
            running.append(network)
            with console.status("サービスを起動中 / starting the services"):
                network.start(lambda name: _done(console, name, started))
            _show_addresses(console, network)
            play(network)
            if not once:
                console.print("\n[bold]動いています。Ctrl-C で終わります。 / Running. Ctrl-C ends it.")
                _wait_for_ctrl_c()
    except InfrastructureError as error:
        console.print(Panel(str(error), title="起動できませんでした / could not start", border_style="red"))
        return 1
    except KeyboardInterrupt:
        # Ctrl-C before everything was up: what had been started is stopped by now.
        return 130
    return 0


def _prepare(console: Console, data: DataFolder) -> EmbeddedInfrastructure:
    """Make ready what Kafka needs; the first time this fetches 44 MB of jars."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        jars = progress.add_task("Kafka の部品を確かめています / checking Kafka's jars", total=None)
        return EmbeddedInfrastructure(
            data, progress=lambda ready, total: progress.update(jars, completed=ready, total=total)
        )


def _done(console: Console, what: str, started: float) -> None:
    console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - started:.1f} s")


def _show_addresses(console: Console, network: EmbeddedNetwork) -> None:
    table = Table.grid(padding=(0, 2))
    for name, address in network.addresses.items():
        table.add_row(f"[bold]{name}", f"[cyan]{address}", WHAT[name])
    table.add_row("[bold]kafka", f"[cyan]{network.bootstrap}", "SASL/SCRAM-SHA-512")
    console.print("\n[bold]アドレス addresses")
    console.print(table)
    console.print(f"[dim]記録 logs: {network.data.logs}", soft_wrap=True)


def _wait_for_ctrl_c() -> None:
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextmanager
def _stopped_in_the_end(console: Console) -> Iterator[list[EmbeddedInfrastructure | EmbeddedNetwork]]:
    """A list of what runs; whatever happens, the last in it is stopped first."""
    running: list[EmbeddedInfrastructure | EmbeddedNetwork] = []
    try:
        yield running
    finally:
        # A second Ctrl-C must not cut the stopping short and leave processes behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if running:
            console.print("\n[bold]止めています… / stopping…")
        for each in reversed(running):
            each.stop()
