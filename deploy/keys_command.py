"""`tsunagu keys`: back up the key store, forget old backups, put one back, and look whether all is sound."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from deploy.data_folder import DataFolder
from deploy.service_databases import DatabaseUrl, in_database
from services.consent.keystore import KeyStoreError
from services.consent.keystore.backups import Backups
from services.consent.settings import KeyStoreSettings
from services.consent.storage import erasures

app = typer.Typer(help="鍵の保管庫 / the key store (TSUNAGU_KEYSTORE_…)", no_args_is_help=True)


@app.command()
def backup() -> None:
    """鍵を控え、古い控えを消す / Back up every key, and remove the backups that are older than they may be."""
    backups, now = _backups(), datetime.now(UTC)
    with _told():
        typer.echo(f"控えました / backed up: {backups.make(now)}")
        _tell_pruned(backups.prune(now))


@app.command()
def prune() -> None:
    """古い控えを消す / Remove the backups that are older than they may be; what is erased is gone with the last."""
    _tell_pruned(_backups().prune(datetime.now(UTC)))


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="控え / a backup's folder")],
    database_url: DatabaseUrl = None,
) -> None:
    """控えから戻す。消去された鍵は戻さない / Put back what is lacking, and never what has been erased."""
    erased = in_database("consent", database_url, erasures.all_handles)
    with _told():
        done = _backups().restore(folder, erased)
    typer.echo(
        f"戻した鍵 / put back: {done.put_back}、すでにある鍵 / there already: {done.there}、"
        f"消去されているため戻さない鍵 / withheld, being erased: {done.withheld}"
    )


@app.command()
def verify(
    repair: Annotated[
        bool,
        typer.Option("--repair", help="足りない鍵を写し、消すべき鍵を消す / copy what lacks, destroy what is back"),
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """すべての写しを確かめる / Look at every key in every replica; exit status 1 where something is wrong."""
    erased, backups = in_database("consent", database_url, erasures.all_handles), _backups()
    with _told():
        if repair:
            backups.repair(erased)
        found = backups.verify(erased, datetime.now(UTC))
    typer.echo(f"鍵 / keys: {found.keys}")
    for folder, missing in found.missing.items():
        typer.echo(f"{folder}: 足りない / missing {missing}、壊れている / unusable {found.unusable[folder]}")
    typer.echo(f"消去したのにある鍵 / erased and there all the same: {len(found.back)}")
    for path in found.overdue:
        typer.echo(f"古すぎる控え / a backup that should be gone: {path}")
    if not found.sound:
        raise typer.Exit(1)


def _backups() -> Backups:
    if "TSUNAGU_KEYSTORE_DIR" in os.environ:
        settings = KeyStoreSettings()
    else:
        settings = KeyStoreSettings(keystore_dir=DataFolder.from_environment().keystore)
    return Backups(settings.store, settings.backups, timedelta(days=settings.key_backup_days))


def _tell_pruned(removed: list[Path]) -> None:
    for path in removed:
        typer.echo(f"消しました / removed: {path}")


@contextmanager
def _told() -> Iterator[None]:
    """Say what is wrong with the key store instead of failing with it."""
    try:
        yield
    except KeyStoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
