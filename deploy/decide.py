"""`tsunagu decide`: read the record of consent as of a moment past, and why each section opens or does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from deploy.service_databases import DatabaseUrl, in_database
from services.consent.domain.coverage import Section
from services.consent.domain.decisions import Decision
from services.consent.use_cases import replay
from services.consent.use_cases.replay import Reading
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.problems import REASONS, TELLINGS


def decide(
    referral_id: Annotated[str, typer.Argument(help="つなぎの番号 / the id of a referral")],
    as_of: Annotated[
        int | None, typer.Option("--as-of", min=0, help="記録の番号まで / the record up to this number; by default all")
    ] = None,
    at: Annotated[
        datetime | None, typer.Option("--at", help="その時点で (UTC) / at this moment (UTC); by default now")
    ] = None,
    joined: Annotated[
        list[str] | None,
        typer.Option(
            "--joined",
            help="結び付いた記録とその番号 RECORD:NUMBER / a joined record and its number, as a release says",
        ),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """ある時点の記録で、どの項目が開けるか / What the record of consent opens, as of a number and at a moment."""
    if joined and as_of is None:
        raise typer.BadParameter("--joined goes with --as-of")
    numbers = dict(map(_record_and_number, joined)) if joined else None
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)

    async def ask(session: AsyncSession) -> Reading:
        return await replay.read(session, referral_id, as_of=as_of, at=moment, joined=numbers)

    try:
        reading = in_database("consent", database_url, ask)
    except Refusal as refusal:
        telling = TELLINGS[refusal.code]
        typer.echo(f"{telling.ja} / {telling.en} [{refusal.code.value}]", err=True)
        raise typer.Exit(1) from refusal
    console = Console()
    console.print(
        f"{reading.at:%Y-%m-%d %H:%M:%S %Z}、{reading.last} 番までのうち {reading.number} 番まで / "
        f"as of number {reading.number} of {reading.last}"
    )
    console.print(_table(reading))


def _record_and_number(text: str) -> tuple[str, int]:
    record_id, _, number = text.partition(":")
    if not number.isdecimal():
        raise typer.BadParameter(f"RECORD:NUMBER, not {text}")
    return record_id, int(number)


def _table(reading: Reading) -> Table:
    table = Table("項目 / section", "分類 / category", "答え / answer", "理由 / reason", "根拠 / rests on")
    for section, decision in reading.decisions:
        ja, en, code = _why(section, decision)
        basis = "–" if decision.statement_number is None else f"{decision.statement_number} ({decision.statement_id})"
        answer = "開ける / yes" if decision.permit else "開けない / no"
        table.add_row(section.section_id, section.category.value, answer, escape(f"{ja} / {en} [{code}]"), basis)
    return table


def _why(section: Section, decision: Decision) -> tuple[str, str, str]:
    if section.invalid is None:
        return *REASONS[decision.reason], decision.reason.value
    telling = TELLINGS[section.invalid]
    return telling.ja, telling.en, section.invalid.value
