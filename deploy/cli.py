"""The command line `tsunagu`."""

from __future__ import annotations

import runpy
import shutil
import sys
from enum import StrEnum
from typing import Annotated

import typer

from deploy import export, keys_command, parked
from deploy.data_folder import DataFolder
from deploy.decide import decide
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.processes import stop_leftovers
from deploy.sweep.command import sweep_network
from tsunagu_contracts.topics import SERVICES


class Story(StrEnum):
    """The stories that can be played."""

    SEALED = "sealed"
    CONSENT = "consent"


app = typer.Typer(name="tsunagu", help="つなぐ / Tsunagu", no_args_is_help=True, pretty_exceptions_show_locals=False)
app.add_typer(parked.app, name="parked")
app.add_typer(export.app, name="export")
app.add_typer(keys_command.app, name="keys")
app.command("sweep")(sweep_network)
app.command()(decide)


@app.command()
def run(
    once: Annotated[
        bool, typer.Option("--once", help="物語のあとで終わる / end after the story", envvar="ONCE")
    ] = False,
    story: Annotated[Story, typer.Option(help="どの物語か / which story to play")] = Story.SEALED,
) -> None:
    """ネットワークを起動し、物語を見せる / Start the whole network here and play a story."""
    # Imported late: the other commands need none of the runner.
    from deploy.demo import consent_story
    from deploy.demo import story as sealed_story
    from deploy.run import run_network

    play = {Story.SEALED: sealed_story.play, Story.CONSENT: consent_story.play}[story]
    sys.exit(run_network(DataFolder.from_environment(), play, once=once))


@app.command()
def serve(service: Annotated[str, typer.Argument(help=", ".join(SERVICES))]) -> None:
    """サービスを一つ動かす / Serve one service with settings from the environment (TSUNAGU_…)."""
    if service not in SERVICES:
        raise typer.BadParameter(f"{service}: {', '.join(SERVICES)}")
    runpy.run_module(f"services.{service}", run_name="__main__")


@app.command()
def clean() -> None:
    """残ったプロセスを止め、データを消す / Stop what a crash left running and forget all data."""
    data = DataFolder.from_environment()
    if not data.root.exists():
        return
    try:
        with data.held():
            stop_leftovers(data.marks)
            shutil.rmtree(data.root)
    except InfrastructureError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    app()
