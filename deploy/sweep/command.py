"""`tsunagu sweep`: see for oneself that a person's name or telephone number stands nowhere in the running network."""

from __future__ import annotations

import json
import sys

import typer
from rich.console import Console
from rich.markup import escape

from deploy.access import KafkaAccess, PostgresAccess
from deploy.data_folder import DataFolder, NetworkSecrets
from deploy.embedded.kafka import ADMIN
from deploy.sweep.sweeping import Places, sweep
from tsunagu_contracts.topics import SERVICES

FOUND = 1
"""The exit status when something was found."""


def sweep_network() -> None:
    """値がどこかに読める形で残っていないか探す / Look for values everywhere that the running network keeps anything.

    Values are read from standard input, one a line, so that they stand in no command's history.
    """
    places = places_of(DataFolder.from_environment())
    if sys.stdin.isatty():
        typer.echo("探す値を一行に一つ、終わりは Ctrl-D / values to look for, one a line, then Ctrl-D", err=True)
    lines = {f"{number} 行目 / line {number}": line.strip() for number, line in enumerate(sys.stdin, start=1)}
    try:
        found = sweep({name: value for name, value in lines.items() if value}, places)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    for finding in found:
        Console().print(f"[red]✗[/] {finding.value}: {escape(finding.where)} [dim]{finding.way}", soft_wrap=True)
    if found:
        raise typer.Exit(FOUND)
    Console().print("[green]✓[/] どこにもありません / found nowhere")


def places_of(data: DataFolder) -> Places:
    """Everything that the network running in a data folder keeps; BadParameter where none is running."""
    if not data.run.exists():
        raise typer.BadParameter("動いていません。先に make run を / not running: make run first")
    running = json.loads(data.run.read_text(encoding="utf-8"))
    secrets = NetworkSecrets.load(data.secrets)
    server = running["postgres"]
    return Places(
        KafkaAccess(running["kafka"], ADMIN, secrets.kafka.admin_password),
        {
            name: PostgresAccess(server["host"], server["port"], name, secrets.postgres_roles[name], name)
            for name in SERVICES
        },
        [data.root],
    )
