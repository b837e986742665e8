"""`tsunagu parked`: see which messages a service has parked and why, and have them tried again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.data_folder import DataFolder, NetworkSecrets
from services.eventing import parking
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.problems import TELLINGS
from tsunagu_contracts.topics import SERVICES, consumed_by

T = TypeVar("T")

app = typer.Typer(help="止まっているメッセージ / messages that could not take effect", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help=", ".join(name for name in SERVICES if consumed_by(name)))]
Url = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="TSUNAGU_DATABASE_URL",
        help="SQLAlchemy URL; without it the running network of this folder",
    ),
]


@app.command("list")
def list_(service: Service, database_url: Url = None) -> None:
    """止まっているメッセージと理由 / List parked messages, oldest first, with their reasons."""
    rows = _in_database(service, database_url, parking.list_parked)
    table = Table(
        "id", "topic[partition]@offset", "key", "理由 / reason", "詳細 / detail", "待ち / behind it", "再試行 / tries"
    )
    for row in rows:
        where = f"{row.topic}[{row.partition}]@{row.offset}"
        held = "はい / yes" if row.blocks else "いいえ / no"
        table.add_row(str(row.id), where, row.key or "", _reason(row.reason), row.detail, held, str(row.replays))
    Console().print(table if rows else "止まっているものはありません / nothing is parked")


@app.command()
def replay(service: Service, ids: Annotated[list[int], typer.Argument()], database_url: Url = None) -> None:
    """もう一度処理させる / Have messages tried again, with all that wait behind them, in order."""
    asked = _in_database(service, database_url, lambda session: parking.request_replay(session, ids))
    if not asked:
        typer.echo("その番号のものはありません / no such parked message", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(asked)} 件を頼みました。結果は list で見られます / asked for {len(asked)}; see `list`")


def _reason(code: str) -> str:
    telling = TELLINGS[RefusalCode(code)]
    return f"{telling.ja} / {telling.en} [{code}]".replace("[", r"\[")


def _in_database(service: str, url: str | None, ask: Callable[[AsyncSession], Awaitable[T]]) -> T:
    if service not in SERVICES:
        raise typer.BadParameter(f"{service}: {', '.join(SERVICES)}")

    async def run() -> T:
        engine = create_async_engine(url or _running(service).url, poolclass=NullPool)
        try:
            async with AsyncSession(engine) as session, session.begin():
                return await ask(session)
        finally:
            await engine.dispose()

    return run_blocking(run())


def _running(service: str) -> PostgresAccess:
    """The service's database in the network that `make run` keeps up."""
    data = DataFolder.from_environment()
    if not data.run.exists():
        raise typer.BadParameter(
            "動いていません。make run か --database-url を / not running: make run, or --database-url"
        )
    server = json.loads(data.run.read_text(encoding="utf-8"))["postgres"]
    password = NetworkSecrets.load(data.secrets).postgres_roles[service]
    return PostgresAccess(server["host"], server["port"], service, password, service)
