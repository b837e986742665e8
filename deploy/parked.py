"""`tsunagu parked`: see which messages a service has parked and why, have them tried again, discard them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from deploy.service_databases import DatabaseUrl, in_database
from services.eventing import parked_acts, parked_watch, parking
from services.eventing.parked_acts import DiscardReason, NotFirst, NotParked, ParkedMessage, RecordedAct, ReplayReason
from services.eventing.parked_watch import ParkedCount
from services.eventing.parking import ParkedRow
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.problems import TELLINGS
from tsunagu_contracts.topics import SERVICES, consumed_by

T = TypeVar("T")

app = typer.Typer(help="止まっているメッセージ / messages that could not take effect", no_args_is_help=True)

# The key of what is no event may be anything at all, and need not stand on a screen.
_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")

TELLING_REASONS: dict[StrEnum, str] = {
    ReplayReason.FAULT_REPAIRED: "原因を直した / what made it fail has been put right",
    ReplayReason.PASSING_FAILURE: "一時的な障害だった / it failed for something that has passed",
    DiscardReason.NOT_AN_EVENT: "イベントではない / bytes that mean nothing to anybody",
    DiscardReason.SAID_IN_ERROR: "誤って出された / its producer should not have said it",
    DiscardReason.EFFECT_MADE_OTHERWISE: "別の方法で済ませた / its effect has been brought about otherwise",
    DiscardReason.NO_LONGER_NEEDED: "もう要らない / nothing depends on it any more",
}


def _reasons(kind: type[StrEnum]) -> str:
    return "; ".join(f"{reason.value}: {TELLING_REASONS[reason]}" for reason in kind)


Service = Annotated[str, typer.Argument(help=", ".join(name for name in SERVICES if consumed_by(name)))]
Ids = Annotated[list[int], typer.Argument(help="`list` の番号 / ids as told by `list`")]
By = Annotated[str, typer.Option("--by", help="操作する人 / who does this: operator:<id>")]


@app.command("list")
def list_(service: Service, database_url: DatabaseUrl = None) -> None:
    """止まっているメッセージと理由 / List parked messages, oldest first, with their reasons."""

    async def ask(session: AsyncSession) -> tuple[list[ParkedRow], ParkedCount]:
        return await parking.list_parked(session), await parked_watch.count(session)

    rows, count = _in_database(service, database_url, ask)
    if not rows:
        Console().print("止まっているものはありません / nothing is parked")
        return
    table = Table(
        "id", "topic[partition]@offset", "key", "理由 / reason", "詳細 / detail", "待ち / behind it", "再試行 / tries"
    )
    for row in rows:
        where = escape(f"{row.topic}[{row.partition}]@{row.offset}")
        held = "はい / yes" if row.blocks else "いいえ / no"
        table.add_row(
            str(row.id), where, _key(row.key), _reason(row.reason), escape(row.detail), held, str(row.replays)
        )
    Console().print(table)
    Console().print(
        f"{count.stuck} 件は操作が必要、{count.waiting} 件は原因のイベント待ち / "
        f"{count.stuck} need an operator, {count.waiting} wait for their cause and go on by themselves"
    )


@app.command()
def show(service: Service, parked_id: Annotated[int, typer.Argument()], database_url: DatabaseUrl = None) -> None:
    """一件を詳しく（本文は出さない） / Show where one stood, why it waits and what was done; never what it says."""

    async def ask(session: AsyncSession) -> tuple[ParkedMessage | None, list[RecordedAct]]:
        acts = await parked_acts.acts_on(session, parked_id)
        try:
            return await parked_acts.show(session, parked_id), acts
        except NotParked:
            if not acts:
                raise
            return None, acts

    message, acts = _in_database(service, database_url, ask)
    console = Console()
    if message is not None:
        console.print(_shown(message))
    else:
        console.print(f"{parked_id} はもう止まっていません / is no longer parked")
    for act in acts:
        console.print(_told(act), soft_wrap=True)


@app.command()
def replay(
    service: Service,
    ids: Ids,
    by: By,
    reason: Annotated[ReplayReason, typer.Option("--reason", help=_reasons(ReplayReason))],
    database_url: DatabaseUrl = None,
) -> None:
    """もう一度処理させる / Have messages tried again, with all that wait behind them, in order."""
    actor = _operator(by)
    asked = _in_database(service, database_url, lambda session: parked_acts.replay(session, ids, actor, reason))
    typer.echo(f"{len(asked)} 件を頼みました。結果は list で見られます / asked for {len(asked)}; see `list`")


@app.command()
def discard(
    service: Service,
    ids: Ids,
    by: By,
    reason: Annotated[DiscardReason, typer.Option("--reason", help=_reasons(DiscardReason))],
    database_url: DatabaseUrl = None,
) -> None:
    """効果なしで済ませる / Treat messages as seen, without effect; what waits behind them is tried again."""
    actor = _operator(by)
    _in_database(service, database_url, lambda session: parked_acts.discard(session, ids, actor, reason))
    typer.echo(f"{len(ids)} 件を破棄し、記録しました / discarded and recorded: {len(ids)}")


def _shown(message: ParkedMessage) -> Table:
    table = Table.grid(padding=(0, 2))
    lines = {
        "topic[partition]@offset": escape(f"{message.topic}[{message.partition}]@{message.offset}"),
        "理由 / reason": _reason(message.reason),
        "詳細 / detail": escape(message.detail),
        "大きさ / bytes": str(message.size),
        "SHA-256": message.digest,
        "止まった時 / since": f"{message.parked_at:%Y-%m-%d %H:%M:%S %Z}",
        "再試行 / tries": str(message.replays),
        "頼まれた再試行 / replay asked for": f"{message.replay_requested_at or '—'}",
        "同じ列 / its lane, in order": " ".join(map(str, message.lane)) if message.blocks else "— (alone)",
    }
    if message.event is not None:
        lines |= {
            "種類 / type": message.event.type,
            "aggregate": message.event.aggregate,
            "version": str(message.event.version),
        }
    for name, value in lines.items():
        table.add_row(escape(name), value)
    return table


def _told(act: RecordedAct) -> str:
    passed = ""
    if act.seen_before is not None and act.version is not None:
        passed = f" — {act.aggregate}: {act.seen_before + 1}–{act.version} 効果なし / seen without effect"
    return escape(f"{act.at:%Y-%m-%d %H:%M:%S %Z} {act.act} {act.actor} {act.reason}{passed}")


def _key(key: str | None) -> str:
    if key is None:
        return "—"
    return key if _ID.fullmatch(key) else f"({len(key.encode())} bytes)"


def _reason(code: str) -> str:
    telling = TELLINGS[RefusalCode(code)]
    return escape(f"{telling.ja} / {telling.en} [{code}]")


def _operator(by: str) -> Actor:
    try:
        return parked_acts.operator(by)
    except Refusal as refusal:
        raise typer.BadParameter("operator:<id> の形で / in the form operator:<id>", param_hint="--by") from refusal


def _in_database(service: str, url: str | None, ask: Callable[[AsyncSession], Awaitable[T]]) -> T:
    if service not in SERVICES:
        raise typer.BadParameter(f"{service}: {', '.join(SERVICES)}")

    try:
        return in_database(service, url, ask)
    except NotParked as unknown:
        typer.echo(f"{unknown.parked_id}: その番号のものはありません / no such parked message", err=True)
        raise typer.Exit(1) from unknown
    except NotFirst as waiting:
        before = ", ".join(map(str, waiting.before))
        typer.echo(
            f"{waiting.parked_id}: 先に {before} を処理してください / comes after {before}; nothing was discarded",
            err=True,
        )
        raise typer.Exit(1) from waiting
