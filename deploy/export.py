"""`tsunagu export`: what was said, in formats that others read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from deploy.service_databases import DatabaseUrl, in_database
from services.consent.domain.exports import dpv, fhir
from services.consent.domain.exports.exported import Exported
from services.consent.domain.exports.terms import SYSTEMS
from services.consent.use_cases import exports
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.problems import TELLINGS

app = typer.Typer(help="ほかの形式で書き出す / Write out in other formats", no_args_is_help=True)


@app.command()
def consent(
    referral_id: Annotated[str, typer.Argument(help="つなぎの番号 / the id of a referral")],
    format_: Annotated[
        Literal["fhir", "dpv"],
        typer.Option("--format", help="FHIR R4 Consent, ISO/IEC TS 27560 (W3C DPV)"),
    ] = "fhir",
    at: Annotated[
        datetime | None, typer.Option("--at", help="その時点で (UTC) / at this moment (UTC); by default now")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """つなぎを通じて記録された同意を書き出す / Write out what was said through a referral."""
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)

    async def ask(session: AsyncSession) -> list[Exported]:
        return await exports.for_audit(session, referral_id, moment)

    try:
        found = in_database("consent", database_url, ask)
    except Refusal as refusal:
        telling = TELLINGS[refusal.code]
        typer.echo(f"{telling.ja} / {telling.en} [{refusal.code.value}]", err=True)
        raise typer.Exit(1) from refusal
    document = fhir.bundle(found, moment) if format_ == "fhir" else dpv.graph(found)
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))


@app.command()
def codes() -> None:
    """書き出しに使う符号の一覧 / The lists of codes that exports use, as FHIR CodeSystems."""
    typer.echo(json.dumps([fhir.code_system(each) for each in SYSTEMS], ensure_ascii=False, indent=1))
